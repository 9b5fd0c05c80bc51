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
        // expect: circular reference
        let first = Container("first", image: site) {
            DependsOn(second)
        }
        let second = Container("second", image: site) {
            DependsOn(first)
        }
        return Resources {
            db; second
        }
    }
}
