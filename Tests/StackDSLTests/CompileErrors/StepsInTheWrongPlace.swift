import StackDSL

@main struct Example: Stack {
    var resources: Resources {
        let data = Volume("data")
        let build = Stage("build") {
            From("debian:12")
            // expect: an image has no volumes: write VolumePath("/path"), and mount one in the container
            data
        }
        let site = Image("site", context: "site") {
            From("debian:12")
            // expect: a stage is declared with let above and used: From(stage), or Copy("/file", from: stage, to: "/")
            build
        }
        let other = Image("other", context: "site") {
            From("debian:12")
            // expect: this is a setting of a container: write it inside Container("name", image: image) { }
            Publish(80, to: 80)
        }
        let third = Image("third", rootfs: "root") {
            // expect: this is a step: it belongs into an image that is built, Image("name", context: "folder") { From(...) }
            Run("make")
        }
        let fourth = Container("fourth", image: "debian:12") {
            // expect: this is a step that makes an image: write it in Image("name") { From(...) }, and pass that image
            Run("make")
        }
        let fifth = Image("fifth", rootfs: "root") {
            // expect: this is a setting of a container: write it inside Container("name", image: image) { }
            Healthcheck(.command("true"))
        }
        let unlisted = Stage("unlisted") { From("debian:12") }
        return Resources {
            // expect: a stage is no resource: it comes with the image that uses it, From(stage) or Copy(from: stage)
            unlisted
            site; other; third; fourth; fifth
        }
    }
}
