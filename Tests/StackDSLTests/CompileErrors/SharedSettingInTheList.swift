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
            // expect: this is a setting: write it inside the block of a Container or an Image
            Env("A", "b")
        }
    }
}
