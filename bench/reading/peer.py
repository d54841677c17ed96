"""One peer in its own environment: finds phrases in reports, decides what is said of each, and says what that cost.

    python -P peer.py PEER REPORTS.jsonl PHRASES.tsv OUT.jsonl

PHRASES has a phrase and its finding a line. OUT gets {"id", "findings": [[finding, present|absent|uncertain], …]} a
report; the last line of standard output is JSON: CPU seconds of the reading alone. It imports the standard library and
the peer.
"""

import json
import sys
import time
import types
from collections.abc import Callable
from importlib import import_module, resources
from pathlib import Path
from typing import Any

Said = list[tuple[str, str]]
Phrases = list[tuple[str, str]]


def main() -> None:
    peer, reports, phrases, out = sys.argv[1:]
    lines = [line.split("\t") for line in Path(phrases).read_text(encoding="utf-8").splitlines()]
    pairs = [(phrase, finding) for phrase, finding in lines]
    read = PEERS[peer](pairs)
    texts = [json.loads(line) for line in Path(reports).read_text(encoding="utf-8").splitlines()]
    read(texts[0]["text"])
    started = time.process_time()
    said = [read(text["text"]) for text in texts]
    seconds = time.process_time() - started
    with Path(out).open("w", encoding="utf-8") as file:
        for text, findings in zip(texts, said, strict=True):
            file.write(json.dumps({"id": text["id"], "findings": findings}) + "\n")
    print(json.dumps({"cpu_s": seconds}))


def phrases_only(phrases: Phrases) -> Callable[[str], Said]:
    """No assertion: what is named is there. Phrases are matched as our lexicon does, by spaCy's PhraseMatcher."""
    nlp, matcher = _matcher(phrases)
    filter_spans = import_module("spacy.util").filter_spans

    def read(text: str) -> Said:
        found = filter_spans(matcher(nlp(text), as_spans=True))
        return [(span.label_, "present") for span in found]

    return read


def negspacy(phrases: Phrases) -> Callable[[str], Said]:
    """negspacy with its clinical term set."""
    nlp, matcher = _matcher(phrases)
    module, spacy_util = import_module("negspacy.negation"), import_module("spacy.util")
    terms = import_module("negspacy.termsets").termset("en_clinical").get_patterns()
    negex = module.Negex(nlp, "negex", terms, [], "negex", False, [])

    def read(text: str) -> Said:
        doc = nlp(text)
        doc.ents = spacy_util.filter_spans(matcher(doc, as_spans=True))
        doc = negex(doc)
        return [(ent.label_, "absent" if ent._.negex else "present") for ent in doc.ents]

    return read


def medspacy(phrases: Phrases) -> Callable[[str], Said]:
    """medspaCy's ConText with the English rules of its distribution."""
    component = types.ModuleType("spacy_component")  # of a part for UMLS that it imports and that builds not everywhere
    vars(component)["SpacyQuickUMLS"] = object
    stub = types.ModuleType("quickumls")
    vars(stub)["spacy_component"] = component
    sys.modules.update({"quickumls": stub, "quickumls.spacy_component": component})
    context = import_module("medspacy.context")
    nlp, matcher = _matcher(phrases)
    rules = str(resources.files("resources") / "en" / "context_rules.json")
    context_of = context.ConText(nlp, rules=rules)
    spacy_util = import_module("spacy.util")

    def read(text: str) -> Said:
        doc = nlp(text)
        doc.ents = spacy_util.filter_spans(matcher(doc, as_spans=True))
        doc = context_of(doc)
        return [(ent.label_, _assertion(ent._)) for ent in doc.ents if not (ent._.is_historical or ent._.is_family)]

    return read


def _assertion(said: Any) -> str:
    if said.is_negated:
        return "absent"
    return "uncertain" if said.is_uncertain or said.is_hypothetical else "present"


def _matcher(phrases: Phrases) -> tuple[Any, Any]:
    spacy = import_module("spacy")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    matcher = import_module("spacy.matcher").PhraseMatcher(nlp.vocab, attr="LOWER")
    by_finding: dict[str, list[Any]] = {}
    for phrase, finding in phrases:
        by_finding.setdefault(finding, []).append(nlp.make_doc(phrase))
    for finding, docs in by_finding.items():
        matcher.add(finding, docs)
    return nlp, matcher


PEERS: dict[str, Callable[[Phrases], Callable[[str], Said]]] = {
    "phrases": phrases_only,
    "negspacy": negspacy,
    "medspacy": medspacy,
}

if __name__ == "__main__":
    main()
