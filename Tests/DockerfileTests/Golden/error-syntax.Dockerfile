FROM a
# test arg BUILDKIT_SYNTAX=other/frontend:1
