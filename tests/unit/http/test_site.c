#include "unit/base/check.h"

#include "http/site.h"

static const struct tb_site_file files[] = {
    {.name = "index.html", .tag = "a1", .plain = TB_STR("page")},
    {.name = "app-5F3K2Q8Z.js",
     .tag = "b2",
     .plain = TB_STR("script"),
     .br = TB_STR("B"),
     .gz = TB_STR("G")},
    {.name = "old.css", .tag = "c3", .plain = TB_STR("style"), .gz = TB_STR("Z")},
};

static const struct tb_site site = {files, COUNT(files)};

static void site_finds_a_file_by_its_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(tb_site_find(&site, TB_STR("old.css")), &files[2]);
    static const char *const others[] = {"",         "old.cs",  "old.css.gz",
                                         "/old.css", "OLD.CSS", "x/old.css"};
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_null(tb_site_find(&site, tb_str_c(others[i])));
    }
    assert_null(tb_site_find(&site, TB_STR_NONE));
}

/* The form, in a word: `bytes|coding|tag`. */
static void expect_form(const struct tb_site_file *file, const char *accept, const char *wanted)
{
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_site_form form = tb_site_choose(arena, file, tb_str_c(accept));
    struct tb_str got = tb_arena_printf(
        arena, "%.*s|%.*s|%.*s", (int)form.bytes.len, form.bytes.ptr, (int)form.coding.len,
        form.coding.ptr == NULL ? "" : form.coding.ptr, (int)form.tag.len, form.tag.ptr);
    assert_true(tb_str_eq_c(got, wanted));
    tb_arena_free(arena);
}

static void site_chooses_the_smallest_form_that_is_understood(void **state)
{
    (void)state;
    expect_form(&files[1], "gzip, deflate, br", "B|br|\"b2-br\"");
    expect_form(&files[1], "br;q=0.1", "B|br|\"b2-br\"");
    expect_form(&files[1], "*", "B|br|\"b2-br\"");
    expect_form(&files[1], "gzip", "G|gzip|\"b2-gzip\"");
    expect_form(&files[1], "br;q=0, gzip", "G|gzip|\"b2-gzip\"");
    expect_form(&files[1], "deflate", "script||\"b2\"");
    expect_form(&files[1], "identity, br;q=0.5", "script||\"b2\"");
    expect_form(&files[1], NULL, "script||\"b2\"");
    expect_form(&files[1], "", "script||\"b2\"");
    expect_form(&files[2], "br, gzip", "Z|gzip|\"c3-gzip\"");
    expect_form(&files[0], "br, gzip", "page||\"a1\"");
}

static void expect_type(const char *name, const char *wanted)
{
    const struct tb_site_file file = {.name = name};
    assert_true(tb_str_eq_c(tb_site_type(&file), wanted));
}

static void site_knows_the_type_by_the_end_of_the_name(void **state)
{
    (void)state;
    expect_type("index.html", "text/html; charset=utf-8");
    expect_type("app-5F3K2Q8Z.js", "text/javascript; charset=utf-8");
    expect_type("a.b.css", "text/css; charset=utf-8");
    expect_type("icon.svg", "image/svg+xml");
    expect_type("taskboard.webmanifest", "application/manifest+json");
    expect_type("css", "application/octet-stream");
    expect_type("a.CSS", "application/octet-stream");
    expect_type("a.html.exe", "application/octet-stream");
}

static bool is_immutable(const char *name)
{
    const struct tb_site_file file = {.name = name};
    return tb_site_is_immutable(&file);
}

static void site_tells_a_name_with_a_hash_from_one_without(void **state)
{
    (void)state;
    assert_true(is_immutable("app-5F3K2Q8Z.js"));
    assert_true(is_immutable("chunk-two-ABCDEFGH.js"));
    assert_true(is_immutable("app-5F3K2Q8Z.js.map"));
    static const char *const others[] = {"index.html",     "icon-maskable.svg", "app-5F3K2Q8.js",
                                         "app-5F3K2Q8Z",   "app-5F3K2Q8Zx.js",  "5F3K2Q8Z.js",
                                         "a-5F3K2Q8Z-b.js"};
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(is_immutable(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(site_finds_a_file_by_its_whole_name),
        cmocka_unit_test(site_chooses_the_smallest_form_that_is_understood),
        cmocka_unit_test(site_knows_the_type_by_the_end_of_the_name),
        cmocka_unit_test(site_tells_a_name_with_a_hash_from_one_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
