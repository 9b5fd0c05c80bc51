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
        return Resources {
            db
            // expect: this is a setting of a container: write it inside Container("name", image: ...) { }
            Publish(80, to: 80)
        }
    }
}
