# check=foo
FROM a
