"""A scrape's values, by name and labels."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.world import WITHOUT_TLS


class Scraped:
    """Sums over all series that have the labels asked for."""

    def __init__(self, text: str) -> None:
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        return sum(sample.value for sample in self.samples if sample.name == name and _has(sample.labels, labels))

    def values_of(self, name: str, label: str) -> set[str]:
        return {sample.labels[label] for sample in self.samples if sample.name == name}

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}


def scrape(url: str, **headers: str) -> Scraped:
    answer = httpx.get(f"{url}/metrics", headers=headers, timeout=30, verify=WITHOUT_TLS)
    assert answer.status_code == 200, answer.text
    return Scraped(answer.text)


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= labels.items()
