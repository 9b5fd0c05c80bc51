FROM a AS build
# test target biuld
