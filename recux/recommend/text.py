"""Items' texts as TF-IDF vectors; words of alphabets, and pairs of characters where words are not spaced."""

import re
from collections.abc import Sequence
from typing import Any

TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def tokens(text: str) -> list[str]:
    """Lower-case words, and the overlapping pairs of characters of Chinese and Japanese runs."""
    text = text.lower()
    found = [run[i : i + 2] for run in UNSPACED.findall(text) for i in range(max(1, len(run) - 1))]
    return found + TOKEN.findall(UNSPACED.sub(" ", text))


class TextVectors:
    """Unit-length TF-IDF rows of the items, and the same view of other texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True)
        self.rows: Any = self._vectorizer.fit_transform(texts)  # (items, terms), sparse
        self.columns: Any = self.rows.T.tocsr()  # (terms, items)

    def of(self, text: str) -> Any:
        """A text's vector over the items' terms; all zero when it shares none."""
        return self._vectorizer.transform([text])


def tfidf(texts: Sequence[str]) -> TextVectors | None:
    """Vectors of ``texts``; None when there is not one word in all of them."""
    return TextVectors(texts) if any(tokens(text) for text in texts) else None
