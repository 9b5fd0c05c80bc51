import Apply
import Diagnostics
import JSONText
import StackModel
import Testing

@testable import stackctl

@Suite("drift of every stack")
struct DriftSurveyTests {
    private func report(_ stack: String, gone address: String? = nil) throws -> DriftReport {
        let entry = try address.map {
            DriftReport.Entry(
                address: try #require(ResourceAddress($0)), kind: .gone, path: "", text: "is gone from the host",
                location: nil)
        }
        return DriftReport(stack: stack, generation: 1, entries: entry.map { [$0] } ?? [], checked: 1)
    }

    @Test("the exit code is 0 without drift, 2 with it, 1 where a stack could not be looked at")
    func exitCode() throws {
        var survey = DriftSurvey()
        #expect(survey.isEmpty && survey.exitCode == .success)
        survey.add(try report("a"), ["stack": "a"])
        #expect(survey.exitCode == .success)
        survey.add(try report("b", gone: "container.web"), ["stack": "b"])
        #expect(survey.exitCode == .changes)
        survey.add(failed: "c", [Diagnostic(code: "SC1", summary: "it is being changed")])
        #expect(survey.exitCode == .failure)
        let json = survey.json
        #expect(json["stacks"] == [["stack": "a"], ["stack": "b"]])
        #expect(json["failures"]?.arrayValue?.first?["stack"] == "c")
        #expect(json["failures"]?.arrayValue?.first?["diagnostics"]?.arrayValue?.count == 1)
    }
}
