import Testing

@testable import OCI

@Suite("Instructions that change a configuration")
struct ConfigurationInstructionTests {
    private func apply(_ lines: [String], to base: ExecutionParameters = .init()) throws -> ExecutionParameters {
        try ConfigurationInstructions(lines).applied(to: base)
    }

    private var base: ExecutionParameters {
        var base = ExecutionParameters()
        base.env = ["PATH=/bin", "HOME=/root", "EMPTY="]
        base.command = ["sh"]
        base.workingDirectory = "/srv"
        return base
    }

    @Test("each kind does what a Dockerfile's does")
    func kinds() throws {
        let result = try apply(
            [
                "CMD [\"serve\", \"-v\"]", "env A=1 B=\"two words\" C='$HOME' D=$HOME/x E=\\$HOME",
                "ENV PATH /usr/bin:$PATH",
                "LABEL a.b=\"c d\" plain=1", "EXPOSE 80 53/udp 8000-8002", "USER www:www", "VOLUME /data /more",
                "VOLUME [\"/json dir\"]", "WORKDIR sub/../dir", "STOPSIGNAL SIGQUIT", "ONBUILD RUN make",
                "HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f localhost",
            ], to: base)
        #expect(result.command == ["serve", "-v"])
        #expect(
            result.env == [
                "PATH=/usr/bin:/bin", "HOME=/root", "EMPTY=", "A=1", "B=two words", "C=$HOME", "D=/root/x", "E=$HOME",
            ])
        #expect(result.labels == ["a.b": "c d", "plain": "1"])
        #expect(result.exposedPorts == ["80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp"])
        #expect(result.user == "www:www" && result.workingDirectory == "/srv/dir" && result.stopSignal == "SIGQUIT")
        #expect(result.volumes == ["/data", "/more", "/json dir"])
        #expect(result.onBuild == ["RUN make"])
        #expect(result.healthcheck?.test == ["CMD-SHELL", "curl -f localhost"])
        #expect(result.healthcheck?.interval == 90_000_000_000 && result.healthcheck?.retries == 2)
    }

    @Test("an entrypoint drops the command of the base, and keeps one that was set before it")
    func entrypoint() throws {
        #expect(try apply(["ENTRYPOINT [\"/run\"]"], to: base).command == nil)
        let kept = try apply(["CMD a b", "ENTRYPOINT c"], to: base)
        #expect(kept.command == ["/bin/sh", "-c", "a b"] && kept.entrypoint == ["/bin/sh", "-c", "c"])
    }

    @Test("several lines in one text, comments and continued lines are read")
    func lines() throws {
        let result = try apply(["# first\n\n  ENV A=1 \\\n    B=2\nUSER x"])
        #expect(result.env == ["A=1", "B=2"] && result.user == "x")
    }

    @Test(
        "values of names",
        arguments: [
            ("${HOME}", "/root"), ("${NONE:-x$HOME}", "x/root"), ("${EMPTY:-x}", "x"), ("${EMPTY-x}", ""),
            ("${HOME:+y}", "y"),
            ("${NONE:+y}", ""), ("$NONE", ""), ("a$", "a$"), ("\"$HOME '\"", "/root '"), ("'a\"b'", "a\"b"),
            ("${NONE:-${EMPTY:-deep}}", "deep"), ("\"a\\\"b\\n\"", "a\"b\\n"),
        ])
    func expansion(_ text: String, _ value: String) throws {
        #expect(try apply(["USER \(text)"], to: base).user == value)
    }

    @Test(
        "what makes no sense is refused, with its place",
        arguments: [
            ("RUN true", "RUN is not a valid change command"), ("FROM x", "FROM is not a valid change command"),
            ("ENV A", "ENV must have two arguments"), ("ENV A=1 B", "can't find = in \"B\""),
            ("ENV =1", "ENV names can not be blank"),
            ("LABEL =1", "LABEL names can not be blank"), ("CMD", "CMD requires at least one argument"),
            ("USER", "USER requires exactly one argument"), ("EXPOSE 0", "invalid containerPort: 0"),
            ("EXPOSE 70000", "invalid containerPort: 70000"), ("EXPOSE 9-1", "invalid containerPort: 9-1"),
            ("EXPOSE 1-2-3", "invalid containerPort: 1-2-3"), ("EXPOSE 80/xyz", "invalid protocol"),
            ("ENV A=\"x", "matching double-quote"), ("ENV A='x", "matching single-quote"), ("ENV A=${x", "missing '}'"),
            ("ENV A=${}", "bad substitution"), ("ENV A=${NONE:?gone}", "NONE: gone"),
            ("ENV A=${HOME%x}", "unsupported modifier"),
            ("ONBUILD ONBUILD RUN x", "chaining ONBUILD"), ("ONBUILD FROM x", "isn't allowed as an ONBUILD trigger"),
            ("STOPSIGNAL !", "invalid signal: !"), ("STOPSIGNAL 99", "invalid signal: 99"),
            ("HEALTHCHECK FOO x", "unknown type \"FOO\""), ("HEALTHCHECK CMD", "missing command"),
            ("HEALTHCHECK NONE x", "takes no arguments"),
            ("HEALTHCHECK --interval=x CMD y", "--interval cannot be \"x\""),
            ("HEALTHCHECK --timeout=1us CMD y", "less than 1ms"),
            ("HEALTHCHECK --retries=-1 CMD y", "--retries cannot be"),
            ("HEALTHCHECK --what CMD y", "unknown flag: --what"), ("VOLUME [\"\"]", "can not be an empty string"),
        ])
    func refused(_ line: String, _ reason: String) {
        let error = #expect(throws: InstructionError.self, "\(line)") { try apply(["USER ok", line], to: base) }
        #expect(error?.number == 2 && error?.instruction == line)
        #expect(error?.reason.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test("braces without end do not go without end")
    func depth() {
        let deep = "USER " + String(repeating: "${A:-", count: 10_000)
        #expect(throws: InstructionError.self) { try apply([deep]) }
    }
}
