#pragma once

// The calls of libyaml that are used, bound on first use by dlopen(3); the types are those of yaml.h.

#include <dlfcn.h>
#include <stddef.h>
#include <yaml.h>

/// The bound entry points; `is_loaded` is 0 where the library is missing. Never unloaded.
struct yaml_library {
    int is_loaded;
    int (*parser_initialize)(yaml_parser_t *parser);
    void (*parser_delete)(yaml_parser_t *parser);
    void (*parser_set_input_string)(yaml_parser_t *parser, const unsigned char *input, size_t size);
    int (*parser_parse)(yaml_parser_t *parser, yaml_event_t *event);
    void (*event_delete)(yaml_event_t *event);
};

static inline struct yaml_library yaml_library_load(void) {
    struct yaml_library library = {0};
    void *handle = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.parser_initialize = dlsym(handle, "yaml_parser_initialize");
    *(void **)&library.parser_delete = dlsym(handle, "yaml_parser_delete");
    *(void **)&library.parser_set_input_string = dlsym(handle, "yaml_parser_set_input_string");
    *(void **)&library.parser_parse = dlsym(handle, "yaml_parser_parse");
    *(void **)&library.event_delete = dlsym(handle, "yaml_event_delete");
    library.is_loaded = library.parser_initialize && library.parser_delete && library.parser_set_input_string
        && library.parser_parse && library.event_delete;
    return library;
}
