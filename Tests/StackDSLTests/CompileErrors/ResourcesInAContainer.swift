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
        let one = Container("one", image: site) {
            // expect: a network is no setting of a container: declare it with let above, then write Attach(network)
            backend
        }
        let two = Container("two", image: site) {
            // expect: a volume is no setting of a container: declare it with let above, then write Mount(volume, at: "/path")
            data
        }
        let three = Container("three", image: site) {
            // expect: an image is no setting of a container: pass it to the initialiser, Container("name", image: image)
            site
        }
        let four = Container("four", image: site) {
            // expect: containers do not nest: declare it with let beside this one, and write DependsOn(container) to order them
            db
        }
        let five = Container("five", image: site) {
            // expect: an output belongs into the final list: return Resources { Output(...) }
            Output("a", "b")
        }
        let six = Container("six", image: site) {
            // expect: a string is no setting: use Command(...), Env(...) or Label(...)
            "nginx"
        }
        return Resources {
            one; two; three; four; five; six
        }
    }
}
