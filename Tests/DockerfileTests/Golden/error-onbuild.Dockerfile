FROM a
# test onbuild COPY x
