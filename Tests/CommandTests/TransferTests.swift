import JSONText
import Testing

@testable import stackctl

@Suite("pulls and pushes, as they are shown")
struct TransferTests {
    private func line(_ status: String, _ id: String, _ current: Int64? = nil, _ total: Int64 = 0) -> JSONValue {
        var detail = JSONObject()
        if let current { detail = ["current": .int(current), "total": .int(total)] }
        return .object(["status": .string(status), "progressDetail": .object(detail), "id": .string(id)])
    }

    @Test("a layer comes, is stored, and is there")
    func pull() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style())
        var lines: [String] = []
        for update in [
            line("Pulling fs layer", "aa"), line("Already exists", "bb"), line("Downloading", "aa", 1, 2_000_000),
            line("Downloading", "aa", 1_000_000, 2_000_000), line("Download complete", "aa"),
            line("Pull complete", "aa"),
        ] {
            #expect(TransferEvent.text(of: update) == nil)
            for event in TransferEvent.events(of: update, .pull) {
                lines += board.take(event, at: 0).map { painter.plain($0) }
            }
        }
        #expect(
            lines == ["aa: waiting", "bb: there already", "aa: downloading 2MB", "aa: storing", "aa: pulled"])
    }

    @Test("a push tells layers that are there, mounted and sent")
    func push() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style())
        var lines: [String] = []
        for update in [
            line("Preparing", "aa"), line("Preparing", "bb"), line("Layer already exists", "aa"),
            line("Mounted from team/app", "bb"), line("Pushing", "cc", 0, 10), line("Pushed", "cc"),
        ] {
            for event in TransferEvent.events(of: update, .push) {
                lines += board.take(event, at: 0).map { painter.plain($0) }
            }
        }
        #expect(lines == ["aa: there already", "bb: mounted", "cc: pushing 10B", "cc: pushed"])
    }

    @Test("lines about no layer are shown as they are")
    func texts() {
        #expect(TransferEvent.text(of: ["status": "Pulling from team/app", "id": "1"]) == "1: Pulling from team/app")
        #expect(TransferEvent.text(of: ["status": "Digest: sha256:ab"]) == "Digest: sha256:ab")
        #expect(TransferEvent.text(of: ["progressDetail": [:], "aux": ["Tag": "1"]]) == nil)
    }
}
