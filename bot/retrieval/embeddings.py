"""Turns text into vectors, with word vectors that a package carries: the extra `retrieval`.

The package `wordllama` is read as data and never imported: its import sets up logging, and its
loader may ask the network. Its vectors are static: a text's vector is the mean of its words', so a
query costs a fraction of a millisecond and no model runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Vectors = NDArray[np.float32]
    Weights = NDArray[np.float16]

MODEL = "wordllama-l2-supercat-256"  # kept with each vector: those of another model are no match
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
TEXT_CHARS = 4_000  # of a text that are embedded


class Embedder:
    """Embeds texts; two vectors' product is the cosine of the texts."""

    def __init__(self, weights: Weights, tokenizer: Tokenizer) -> None:
        self._weights = weights
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a row of length 1 for each text; of an empty text, zeros."""
        import numpy as np

        rows = np.zeros((len(texts), self._weights.shape[1]), np.float32)
        for number, text in enumerate(texts):
            encoded = self._tokenizer.encode(text[:TEXT_CHARS], add_special_tokens=False)
            if encoded.ids:
                rows[number] = self._weights[encoded.ids].astype(np.float32).mean(axis=0)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows


def load_embedder() -> Embedder | None:
    """Return the embedder, None if the extra `retrieval` is not installed."""
    package = find_spec("wordllama")
    folders = package.submodule_search_locations if package else None
    if not folders:
        return None
    folder = Path(folders[0])
    try:
        from tokenizers import Tokenizer

        weights = _mapped(folder / _WEIGHTS)
    except ImportError:
        return None
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Embedder(weights, tokenizer)


def _mapped(file: Path) -> Weights:
    """Map the one tensor of a safetensors file into memory: only the rows of used words are read.

    Loaded whole, as float32, it would be 33 MB of each bot. The format: the length of the header
    in 8 bytes, the header as JSON, the tensors' bytes.
    """
    import numpy as np

    with file.open("rb") as data:
        size = int.from_bytes(data.read(8), "little")
        header = json.loads(data.read(size))
    (tensor,) = (value for name, value in header.items() if name != "__metadata__")
    if tensor["dtype"] != "F16":
        raise ValueError(f"{file.name} has {tensor['dtype']}, not F16")
    begin = 8 + size + int(tensor["data_offsets"][0])
    return np.memmap(file, np.float16, "r", begin, tuple(tensor["shape"]))
