"""What a model is for."""

from django.db import models


class Purpose(models.TextChoices):
    CHAT = "chat", "Chat"
    EMBEDDINGS = "embeddings", "Embeddings"
    RERANKING = "reranking", "Reranking"
