import Testing
import YAMLText

@Suite("YAML")
struct YAMLParserTests {
    @Test("an empty text has no documents")
    func empty() throws {
        #expect(try YAMLParser.documents([]).isEmpty)
    }
}
