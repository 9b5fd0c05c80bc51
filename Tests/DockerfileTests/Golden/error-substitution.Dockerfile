FROM a
ENV a=${b:?wanted}
