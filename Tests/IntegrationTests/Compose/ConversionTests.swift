import Linux
import Testing

@Suite("Conversion of compose projects", .serialized, .timeLimit(.minutes(15)))
struct ConversionTests {
    private static let file = """
        name: convertible
        services:
          web:
            build:
              context: .
              dockerfile_inline: |
                FROM \(ComposeLab.image)
                COPY words.txt /words
                ENV GONE=image KEPT=image
              labels: {made: here}
            command: ["sh", "-c", "cat /words /etc/app.conf; echo gone=$${GONE-unset} kept=$$KEPT; exec sleep 6000"]
            stop_grace_period: 0s
            environment: {GREETING: "hello \\"you\\"", app.mode: dev, GONE: null}
            volumes: ["data:/data", "./words.txt:/host:ro"]
            configs: [{source: app, target: /etc/app.conf}]
            depends_on: {worker: {condition: service_started}}
            healthcheck: {test: "true", interval: 30s}
            ulimits: {nofile: 1024}
            cap_add: [NET_ADMIN]
          worker:
            image: \(ComposeLab.image)
            command: ["sleep", "6000"]
            environment: {MARKS: "\\U000FFFFF1\\U000FFFFE"}
            stop_grace_period: 0s
            scale: 2
            networks: {back: {aliases: [jobs]}}
        configs:
          app: {content: "mode = dev\\n"}
        volumes:
          data: {labels: {team: a}}
        networks:
          back: {internal: true}

        """

    @Test("the manifest plans to no change where the project runs, and goes back to a compose file")
    func thereAndBack() async throws {
        let compose = try await ComposeLab()
        let project = try compose.project("convertible", ["compose.yaml": Self.file, "words.txt": "words\n"])
        try await project.compose("up", "-d", "--yes")
        try await project.waits(for: "mode = dev", from: "web")
        try await project.waits(for: "gone=unset kept=image", from: "web")
        try await project.stackctl(["plan", "--detailed-exitcode", "-f", "compose.yaml"])
        let shown = try await project.stackctl(["convert"])
        #expect(shown.out.hasPrefix("// Made by stackctl from compose.yaml.\nimport StackDSL\n"), "\(shown.text)")
        try await project.stackctl(["convert", "-o", "."])
        #expect(try Files.readText(project.folder + "/Stack.swift") == shown.out)
        let again = try await project.stackctl(["convert", "compose.yaml", "-o", "Stack.swift"], expecting: 1)
        #expect(again.sentences.contains("Stack.swift` is there already"), "\(again.text)")
        let taken = try await project.stackctl(["convert", "."], expecting: 1)
        #expect(taken.sentences.contains("has a Stack.swift already"), "\(taken.text)")

        try await project.stackctl(["plan", "--detailed-exitcode"])
        try await project.stackctl(["apply", "--yes"])
        try await project.stackctl(["plan", "--detailed-exitcode", "-f", "compose.yaml"])

        for source in [".", "compose.yaml", "convertible"] {
            let exported = try await project.stackctl(["export", "compose", source])
            #expect(exported.out.contains("dockerfile_inline:"), "\(source): \(exported.text)")
            #expect(exported.out.contains("mode = dev"), "\(source): \(exported.text)")
            try Files.write(project.folder + "/exported.yaml", Array(exported.out.utf8))
            try await project.stackctl(["compose", "-f", "exported.yaml", "config", "-q"])
        }
        let container = try await project.stackctl(["export", "compose", "--profile", "x", "nobody"], expecting: 1)
        #expect(!container.sentences.isEmpty)
        try await project.stackctl(["destroy", "convertible", "--yes"])
        try await compose.lab.takeDown()
    }
}
