import Engine
import JSONText
import Runtime
import Testing

@Suite("Mounts as they are written")
struct MountSpecificationTests {
    @Test("each option of -v is read")
    func binds() throws {
        let bind = try MountSpecification(bind: "/a//b/:/x/./y/:ro,rslave,Z,idmap=1000:100@33:34")
        #expect(bind.kind == .bind && bind.source == "/a/b" && bind.target == "/x/y" && bind.readOnly)
        #expect(bind.propagation == "rslave" && bind.createsSource && bind.mode == "ro,rslave,Z,idmap=1000:100@33:34")
        #expect(bind.owners?.text == "1000:100@33:34")
        let volume = try MountSpecification(bind: "data:/x:nocopy")
        #expect(volume.kind == .volume && volume.source == "data" && !volume.copiesImageContent)
        #expect(try MountSpecification(bind: "/only").source == "")
        #expect(try OwnerMapping("1000").text == "1000:1000@0:0")
        #expect(try OwnerMapping("7.8@1").text == "7:8@1:1")
    }

    @Test(
        "what means nothing is refused in Docker's words",
        arguments: [
            ("", "invalid volume specification: ''"), (":/x", "invalid volume specification"),
            ("/a:ro", "invalid volume specification: '/a:ro'"), ("/a:/b:c:d", "invalid volume specification"),
            ("/a:/b:ro,rw", "invalid mode: ro,rw"), ("/a:/b:foo", "invalid mode: foo"),
            ("/a:/b:rslave,rshared", "invalid mode"), ("/a:/b:idmap=x", "invalid idmap"),
            ("/a:/b:idmap=4294967295", "invalid idmap"), ("/a:/", "destination can't be '/'"),
            ("/a:/x/..", "destination can't be '/'"), ("/a:b", "mount path must be absolute"),
            ("data:/x:rshared", "field BindOptions must not be specified"), ("v:/x", "volume name is too short"),
            ("a b:/x", "includes invalid characters for a local volume name"),
        ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: EngineError.self) { _ = try MountSpecification(bind: text) }
        #expect(error?.kind == .invalid && error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test(
        "members of Mounts that do not belong together are refused",
        arguments: [
            (#"{"Type":"bind","Source":"/a","Target":"/b","VolumeOptions":{}}"#, "VolumeOptions must not be specified"),
            (#"{"Type":"bind","Target":"/b"}"#, "field Source must not be empty"),
            (#"{"Type":"volume","Source":"v1"}"#, "field Target must not be empty"),
            (#"{"Type":"tmpfs","Source":"/a","Target":"/b"}"#, "field Source must not be specified"),
            (#"{"Type":"tmpfs","Target":"/b","TmpfsOptions":{"Options":[["uid","1"]]}}"#, "invalid option: uid"),
            (#"{"Type":"image","Target":"/b"}"#, "field Source must not be empty"),
            (#"{"Type":"volume","Target":"/b","VolumeOptions":{"Subpath":"x"}}"#, "when using anonymous volumes"),
            (
                #"{"Type":"volume","Source":"v1","Target":"/b","VolumeOptions":{"Subpath":"a/../.."}}"#,
                "subpath must be"
            ),
            (#"{"Type":"bind","Source":"/a","Target":"/b","BindOptions":{"Propagation":"x"}}"#, "propagation mode: x"),
            (
                #"{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true,"BindOptions":{"ReadOnlyForceRecursive":true,"Propagation":"rslave"}}"#,
                "needs the propagation rprivate"
            ), (#"{"Source":"v1","Target":"/b"}"#, "mount type unknown"),
        ])
    func mounts(json: String, reason: String) throws {
        let value = try JSONValue.parse(json)
        let error = #expect(throws: EngineError.self) { _ = try MountSpecification(try FieldReader(value)) }
        #expect(error?.kind == .invalid && error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test("options of memory file systems are judged")
    func tmpfs() throws {
        _ = try MountSpecification(tmpfs: "/t", options: "size=50%,mode=1777,nr_inodes=1k,exec,suid,dev,noatime,rw")
        for bad in ["foo", "size=", "size=x", "mode=9", "mode=77777", "uid=-1", "=", "size"] {
            #expect(throws: EngineError.self, "\(bad)") { _ = try MountSpecification(tmpfs: "/t", options: bad) }
        }
    }

    @Test("options of volumes are judged in Docker's words")
    func volumeOptions() throws {
        let settings = try VolumeSettings(["uid": "5", "mode": "0750", "idmap": "7@8"])
        #expect(settings.user == 5 && settings.group == 5 && settings.mode == 0o750 && settings.mount == nil)
        #expect(try VolumeSettings(["type": "none", "device": "/x", "o": "bind"]).mount?.device == "/x")
        for (options, reason) in [
            (["foo": "1"], #"invalid option: "foo""#), (["type": "tmpfs"], #"missing required option: "device""#),
            (["o": "x"], "missing required option"), (["size": "1g"], "quota size requested but no quota support"),
            (["uid": "x"], "invalid uid"), (["mode": "8"], "invalid mode"),
            (["type": "tmpfs", "device": "tmpfs", "uid": "1"], "give them to the file system"),
        ] as [([String: String], String)] {
            let error = #expect(throws: EngineError.self) { _ = try VolumeSettings(options) }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test("two owners change places, and everybody else stays")
    func ownerMaps() {
        #expect(
            OwnerMap(user: 1000, group: 0).userMap
                == "0 1000 1\n1 1 999\n1000 0 1\n1001 1001 4294966294\n")
        #expect(OwnerMap(user: 1000, group: 0).groupMap == "0 0 4294967295\n")
        #expect(
            OwnerMap(user: 5, group: 5, seenUser: 6, seenGroup: 6).userMap == "0 0 5\n5 6 1\n6 5 1\n7 7 4294967288\n")
    }
}
