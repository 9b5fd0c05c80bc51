import Engine
import JSONText
import Linux
import Testing

@Suite("What clients send")
struct ClientDefaultsTests {
    private func read(_ host: String) throws -> ContainerSpecification {
        try ContainerSpecification(json: try JSONValue.parse(#"{"Image":"i","HostConfig":\#(host)}"#))
    }

    @Test("what clients send for nothing is no wish")
    func empty() throws {
        _ = try read(
            """
            {"Devices":[],"Dns":null,"PidMode":"","IpcMode":"private","MemorySwappiness":-1,"OomKillDisable":false,
             "Links":null,"Ulimits":[],"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},"MaskedPaths":null}
            """)
    }

    @Test("what is stored is read all the same")
    func stored() throws {
        let json = try JSONValue.parse(#"{"Image":"i","HostConfig":{"PidMode":"host","Memory":5}}"#)
        #expect(try ContainerSpecification(stored: json).limits.memoryBytes == 5)
    }
}

@Suite("Starting with the daemon")
struct BootTests {
    private func state(_ phase: ContainerState.Phase, exitCode: Int32 = 0) -> ContainerState {
        var state = ContainerState()
        state.phase = phase
        state.exitCode = exitCode
        return state
    }

    @Test("each policy starts what it should")
    func policies() {
        let failed = state(.exited, exitCode: 1)
        #expect(!RestartSettings(.no).startsAtBoot(failed, wantsToRun: true))
        #expect(RestartSettings(.always).startsAtBoot(failed, wantsToRun: false))
        #expect(!RestartSettings(.always).startsAtBoot(state(.created), wantsToRun: false))
        #expect(RestartSettings(.unlessStopped).startsAtBoot(failed, wantsToRun: true))
        #expect(!RestartSettings(.unlessStopped).startsAtBoot(failed, wantsToRun: false))
        #expect(RestartSettings(.onFailure).startsAtBoot(failed, wantsToRun: true))
        #expect(!RestartSettings(.onFailure).startsAtBoot(failed, wantsToRun: false))
        #expect(!RestartSettings(.onFailure).startsAtBoot(state(.exited), wantsToRun: true))
        var tried = failed
        tried.restartCount = 3
        #expect(!RestartSettings(.onFailure, maximumRetryCount: 3).startsAtBoot(tried, wantsToRun: true))
    }
}
