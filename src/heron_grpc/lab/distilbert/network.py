"""The network that is trained: DistilBERT, the mean of its last hidden states, and a head of two layers."""

import torch
from torch import Tensor, nn
from transformers import DistilBertModel

_HEAD_DROPOUT = 0.2


class DocumentNetwork(nn.Module):
    """Token ids and mask, (batch, tokens) int64, to logits (batch, labels) and embedding (batch, width), float32.

    The embedding is the mean of the last hidden states of all tokens, of length 1, as the encoder was pre-trained
    (Reimers and Gurevych, 2019).
    """

    def __init__(self, encoder: DistilBertModel, labels: int) -> None:
        super().__init__()
        width = encoder.config.dim
        self.encoder = encoder
        self.hidden = nn.Linear(width, width)
        self.classifier = nn.Linear(width, labels)
        self.dropout = nn.Dropout(_HEAD_DROPOUT)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, embedding."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
        logits = self.classifier(self.dropout(nn.functional.gelu(self.hidden(mean))))
        return logits, nn.functional.normalize(mean, dim=-1)

    def freeze_words(self) -> None:
        """Keeps the word table: words that training lacks stay comparable with those it has."""
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
