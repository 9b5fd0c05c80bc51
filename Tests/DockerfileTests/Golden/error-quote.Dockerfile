FROM a
LABEL a="b
