import Testing

@testable import Linux

@Suite("The mount table")
struct MountEntryTests {
    @Test("a line with tags and escapes is taken apart")
    func full() throws {
        let line =
            #"36 35 98:0 /mnt1 /mnt\0402\134\012x rw,noatime shared:1 master:2 - ext3 /dev/root\040a rw,errors=continue"#
        let entry = try #require(MountEntry(line: line))
        #expect(entry.id == 36)
        #expect(entry.parentID == 35)
        #expect(entry.device == DeviceNumber(major: 98, minor: 0))
        #expect(entry.target == "/mnt 2\\\nx")
        #expect(entry.options == ["rw", "noatime"])
        #expect(entry.tags == ["shared:1", "master:2"])
        #expect(entry.type == "ext3")
        #expect(entry.source == "/dev/root a")
        #expect(entry.superOptions == ["rw", "errors=continue"])
    }

    @Test("a line without tags has none, and a directory named - is no separator")
    func dash() throws {
        let entry = try #require(MountEntry(line: "1 2 0:3 - - rw - tmpfs - rw"))
        #expect(entry.root == "-")
        #expect(entry.target == "-")
        #expect(entry.tags.isEmpty)
        #expect(entry.type == "tmpfs")
    }

    @Test(
        "a line that is cut short or no line at all is left out",
        arguments: [
            "", " ", "36 35 98:0 / / rw", "36 35 98:0 / / rw - ext3", "x 35 98:0 / / rw - a b c",
            "36 35 98 / / rw - a b c",
            "1 2 3:4 / / rw a b c d e f",
        ])
    func damaged(line: String) {
        #expect(MountEntry(line: line) == nil)
    }

    @Test(
        "only three octal digits after a backslash are an escape",
        arguments: [
            (#"a\040b"#, "a b"), (#"a\04"#, #"a\04"#), (#"\048"#, #"\048"#), (#"\777"#, #"\777"#), (#"\"#, #"\"#),
        ])
    func escapes(text: String, plain: String) {
        #expect(MountEntry.unescape(text.utf8) == plain)
    }

    @Test("the kernel's own table parses whole")
    func ownTable() throws {
        // Other tests mount at the same time.
        var isWhole = false
        for _ in 0..<1_000 where !isWhole {
            let lines = try Files.readText("/proc/self/mountinfo").split(separator: "\n").count
            isWhole = try Mounts.table().count == lines
        }
        #expect(isWhole)
        #expect(try Mounts.isMountPoint("/proc"))
        #expect(try !Mounts.isMountPoint("/proc/self"))
        #expect(try !Mounts.isMountPoint("/no/such/place"))
    }
}
