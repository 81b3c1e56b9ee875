"""Whether the words told as evidence count: what their deletion costs beside 20 random deletions of as many words."""

from benchmarks.reporting import Row, arguments, at_least, corpus_option, publish, require_corpus
from heron_grpc.classify.loading import load_classifier
from heron_grpc.lab.corpus import load_corpus, split_rows
from heron_grpc.lab.evidence_proof import prove
from heron_grpc.settings import load_settings

# Of the dev texts: every one, or every so many where a text takes seconds.
_EVERY = {"nb": 1, "auto": 1, "distilbert": 4}


def main() -> None:
    """Measures, prints, records."""
    parser = arguments(__doc__, rounds=1, seconds=0.0)
    corpus_option(parser)
    given = parser.parse_args()
    require_corpus(parser, given)
    settings = load_settings().serving
    dev = split_rows(load_corpus(given.corpus / "text.jsonl.gz"), "dev")
    rows: list[Row] = []
    goals = []
    for name, every in _EVERY.items():
        texts = [row.text[: settings.max_text_chars] for row in dev[::every]]
        proof = prove(load_classifier(settings.models_dir / name), texts)
        rows.append(
            {
                "model": name,
                "texts": len(texts),
                "with evidence": round(proof.explained.value, 3),
                "more than each of 20": round(proof.beats_all.value, 3),
                "interval": f"{proof.beats_all.low:.3f} - {proof.beats_all.high:.3f}",
                "more than their mean": round(proof.beats_mean.value, 3),
            }
        )
        goals.append(
            at_least(f"{name}: deleted evidence costs more than each of 20 others", 0.8, proof.beats_all.value)
        )
    publish("evidence", given, rows, goals)


if __name__ == "__main__":
    main()
