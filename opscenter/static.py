"""Static files from the packages that bring them, without a collecting step."""

from django.http import FileResponse, HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise ships no types
    """WhiteNoise, answering whole files: its file iterator is synchronous, and ASGI would warn about each one."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        streamed: FileResponse = WhiteNoiseMiddleware.serve(static_file, request)
        response = HttpResponse(b"".join(streamed), status=streamed.status_code)
        for name, value in streamed.items():
            response[name] = value
        streamed.close()
        return response
