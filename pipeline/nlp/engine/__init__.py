"""natasha's NER and morphology with its own weights and rules, run over batches; `Ner` uses it.

A text goes through ``tokens`` (words), ``tagger`` (spans), ``morphology`` (tags of the words of spans,
sentence by sentence) and ``normal`` (normal forms).
Spans and normal forms are those of natasha's documented pipeline.
"""
