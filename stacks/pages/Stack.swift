import StackDSL

/// A web server whose image is built step by step: one stage makes pages of texts, the image has the pages and no tools.
@main
struct Pages: Stack {
    @Input("Port of the host that answers with the pages", in: 1...65535) var port = 8081

    var resources: Resources {
        let base = Image("pages/base", debian: .bookworm, packages: ["busybox"])
        let pages = Stage("pages") {
            From(base)
            Workdir("/pages")
            Copy("pages/*.txt", to: ".")
            Run(
                """
                for page in *.txt; do
                    (echo "<pre>"; busybox sed 's/&/\\&amp;/g; s/</\\&lt;/g' "$page"; echo "</pre>") > "${page%.txt}.html"
                done
                """)
        }
        let site = Image("pages/site", context: "site") {
            From(base)
            Copy("/pages/*.html", from: pages, to: "/srv/www/")
            Copy(text: "A:*\n.txt:text/plain\n", to: "/etc/httpd.conf")
            User("www-data")
            Workdir("/srv/www")
            Expose(8080)
            Command("busybox", "httpd", "-f", "-p", "8080", "-c", "/etc/httpd.conf")
        }
        let web = Container("web", image: site) {
            Publish(port, to: 8080)
            ReadOnlyRoot()
            Stop(timeout: .seconds(1))
            Healthcheck(.http("/index.html", port: 8080), every: .seconds(2))
            Limit(memory: .mebibytes(32), processes: 16)
        }
        return Resources {
            web
            Output("url", "http://127.0.0.1:\(port)/index.html")
        }
    }
}
