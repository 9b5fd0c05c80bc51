import JSONText
import Linux
import Testing

@Suite("Compose verbs at a terminal", .serialized, .timeLimit(.minutes(15)))
struct ComposeTerminalTests {
    private static let file = """
        services:
          web:
            image: \(ComposeLab.image)
            command: sleep 1000
            init: true
            stop_grace_period: 0s
          shell:
            image: \(ComposeLab.image)
            command: sh
            tty: true
            stdin_open: true
            scale: 2
            stop_grace_period: 0s
          loop:
            image: \(ComposeLab.image)
            command: sh -c "trap 'echo heard; exit 9' INT; while :; do echo tick; sleep 0.2; done"
            stop_grace_period: 0s

        """

    @Test("exec and run have the size of the user's terminal and its changes, and answer with the program's code")
    func sizes() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("seat", ["compose.yaml": Self.file])
        try await project.compose("up", "-d", "web")
        for program in [
            try project.terminal("exec", "web", "sh"), try project.terminal("run", "--rm", "web", "sh"),
            try project.terminal("exec", "-it", "-w", "/tmp", "-u", "user", "web", "sh"),
        ] {
            // A container's terminal gets its size while what is typed is on its way.
            try await program.type("until [ \"$(stty size)\" = '31 97' ]; do sleep 0.1; done; stty size\r")
            try await program.shows("\n31 97\r\n")
            try await program.type("echo ready $((1 + 1))\r")
            try await program.shows("ready 2")
            try program.resize(rows: 40, columns: 111)
            try await program.type("until [ \"$(stty size)\" = '40 111' ]; do sleep 0.1; done; echo is $((1 + 2))\r")
            try await program.shows("is 3")
            try await program.type("exit 7\r")
            #expect(try await program.exitCode() == 7)
        }
        #expect(try await project.compose("ps", "-aq").out.split(separator: "\n").count == 1, "--rm left something")
        let plain = try await project.compose(
            "exec", "-T", "-e", "X=1", "web", "sh", "-c", "tty; echo $X; cat", input: "given\n", expecting: nil)
        #expect(plain.out == "not a tty\n1\ngiven\n", "\(plain.text)")
        let code = try await project.compose(
            "run", "--rm", "-T", "--no-deps", "--entrypoint", "sh -c", "-e", "X=2", "-w", "/tmp", "-u", "user", "web",
            "pwd; id -un; echo $X; cat; exit 4", input: "given\n", expecting: 4)
        #expect(code.out == "/tmp\nuser\n2\ngiven\n", "\(code.text)")
        try await project.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("the detach keys leave a program running, and a second look at it is an attach")
    func detach() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("leave", ["compose.yaml": Self.file])
        let run = try project.terminal("run", "--name", "apart", "shell", "sh")
        try await run.type("echo at $((1 + 1))\r")
        try await run.shows("at 2")
        try await run.type("\u{10}\u{11}")
        #expect(try await run.exitCode() == 0)
        #expect(try await project.stackctl(["inspect", "-f", "{{.State.Running}}", "apart"]).out == "true\n")
        try await project.compose("up", "-d", "shell")
        try await project.compose("exec", "-T", "--index", "2", "shell", "touch", "/second")
        let second = try project.terminal("attach", "--index", "2", "--detach-keys", "ctrl-a,x", "shell")
        try await second.type("ls -d /sec*\r")
        try await second.shows("/second\r\n")
        try await second.type("until [ \"$(stty size)\" = '31 97' ]; do sleep 0.1; done; stty size\r")
        try await second.shows("\n31 97\r\n")
        try await second.type("\u{1}x")
        #expect(try await second.exitCode() == 0)
        let first = try project.terminal("attach", "shell")
        try await first.type("ls -d /sec*; exit 5\r")
        try await first.shows("No such file")
        #expect(try await first.exitCode() == 5)
        let missing = try await project.compose("attach", "--index", "3", "shell", expecting: 1)
        #expect(missing.sentences.contains("is not running container #3"), "\(missing.text)")
        try await project.compose("down", "-t", "0")
        try await lab.lab.takeDown()
    }

    @Test("attach passes ctrl-c on to the container, and with --sig-proxy=false it only leaves")
    func signals() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("heard", ["compose.yaml": Self.file])
        try await project.compose("up", "-d", "loop")
        let leaving = try project.terminal("attach", "--sig-proxy=false", "--no-stdin", "loop")
        try await leaving.shows("tick")
        try await leaving.type("\u{3}")
        #expect(try await leaving.exitCode() == 130)
        let passing = try project.terminal("attach", "loop")
        try await passing.shows("tick")
        try await passing.type("\u{3}")
        try await passing.shows("heard")
        #expect(try await passing.exitCode() == 9)
        let ended = try await project.compose("attach", "loop", expecting: 1)
        #expect(ended.sentences.contains("service \"loop\" is not running"), "\(ended.text)")
        try await project.compose("start", "loop")
        try await project.compose("pause", "loop")
        let paused = try await project.compose("attach", "loop", expecting: 1)
        #expect(paused.sentences.contains("unpause it first"), "\(paused.text)")
        try await project.compose("down", "-t", "0")
        try await lab.lab.takeDown()
    }

    @Test("rm leaves what was started, or made anew, while it asked, and says so")
    func removal() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("ask", ["compose.yaml": Self.file])
        try await project.compose("up", "-d", "web", "loop")
        try await project.compose("stop", "web", "loop")
        let started = try project.terminal("rm")
        try await started.shows("Are you sure? [yN]")
        try await project.compose("start", "web")
        try await started.type("y\r")
        try await started.shows("ask-web-1 was started meanwhile, so it stays")
        #expect(try await started.exitCode() == 0)
        #expect(
            try await project.stackctl(["ps", "-a", "--format", "{{.Names}} {{.State}}"]).out == "ask-web-1 running\n")
        try await project.compose("stop", "web")
        let anew = try project.terminal("rm", "web")
        try await anew.shows("Are you sure? [yN]")
        try await project.compose("create", "--force-recreate", "web")
        let id = try await project.compose("ps", "-aq", "web").out
        try await anew.type("y\r")
        try await anew.shows("ask-web-1 was made anew meanwhile, so it stays")
        #expect(try await anew.exitCode() == 0)
        #expect(try await project.compose("ps", "-aq", "web").out == id)
        try await project.compose("rm", "-f", "web")
        #expect(try await project.stackctl(["ps", "-aq"]).out.isEmpty)
        try await project.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("ctrl-c stops what up follows, and a second one kills it")
    func interrupts() async throws {
        let lab = try await ComposeLab()
        let stubborn = """
            services:
              web:
                image: \(ComposeLab.image)
                command: sh -c "trap 'echo asked' TERM; echo begun $$((1 + 1)); while :; do sleep 0.2; done"
                stop_grace_period: 1h

            """
        let project = try lab.project("twice", ["compose.yaml": stubborn])
        let up = try project.terminal("up", "--no-log-prefix")
        try await up.shows("begun 2")
        try await up.type("\u{3}")
        try await up.shows("Gracefully Stopping")
        try await up.shows("asked")
        try await up.type("\u{3}")
        #expect(try await up.exitCode() == 130)
        let state = try await project.stackctl([
            "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "twice-web-1",
        ])
        #expect(state.out == "exited 137\n")
        try await project.compose("down")
        try await lab.lab.takeDown()
    }
}
