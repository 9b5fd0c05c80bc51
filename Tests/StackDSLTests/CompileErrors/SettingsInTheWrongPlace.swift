import StackDSL

@main struct Example: Stack {
    var resources: Resources {
        let backend = Network("backend")
        let data = Volume("data")
        let site = Image("site", rootfs: "root")
        let db = Container("db", image: site) {
            Attach(backend)
            Mount(data, at: "/data")
        }
        let image = Image("image", rootfs: "root") {
            // expect: this is a setting of a container: write it inside Container("name", image: image) { }
            Publish(80, to: 80)
        }
        let second = Image("second", rootfs: "root") {
            // expect: an image has no networks: attach them to the container, Attach(network)
            backend
        }
        let third = Container("third", image: site) {
            // expect: this is a setting of an image: write it in the image's block, then pass the image to Container(image:)
            Tag("third:2")
        }
        return Resources {
            db; image; second; third
        }
    }
}
