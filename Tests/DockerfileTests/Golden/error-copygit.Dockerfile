FROM a
COPY git@github.com:a/b.git /
