#include "unit/base/check.h"

#include "http/framing.h"

static void framing_with_one_length_or_one_encoding_is_sound(void **state)
{
    (void)state;
    static const struct tb_str good[] = {
        TB_STR("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\ncontent-length: 2\nx: content-length: 3\n\n"),
        TB_STR("POST / HTTP/1.1\r\nx-content-length: 2\r\ncontent-length-x: 2\r\n"
               "content-length:2\r\n\r\n"),
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_null(tb_framing_fault(good[i], false));
    }
}

static void framing_that_two_readers_could_read_differently_is_at_fault(void **state)
{
    (void)state;
    static const struct tb_str bad[] = {
        TB_STR("POST / HTTP/1.1\r\ncontent-length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\r\ntransfer-encoding: x\r\nTRANSFER-ENCODING: chunked\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\r\ncontent-length: 2\r\n 3\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\r\nx: y\r\n\tcontent-length: 3\r\n\r\n"),
        TB_STR("POST / HTTP/1.1\ncontent-length: 2\ncontent-length: 3\n\n"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_non_null(tb_framing_fault(bad[i], false));
    }
}

static void framing_of_http_1_0_has_no_encoding(void **state)
{
    (void)state;
    struct tb_str head = TB_STR("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_non_null(tb_framing_fault(head, true));
    assert_null(tb_framing_fault(TB_STR("POST / HTTP/1.0\r\ncontent-length: 1\r\n\r\n"), true));
}

static void framing_in_chunks_is_known(void **state)
{
    (void)state;
    assert_true(tb_framing_is_chunked(
        TB_STR("POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding:chunked\r\n\r\n")));
    assert_false(tb_framing_is_chunked(
        TB_STR("POST / HTTP/1.1\r\nx-transfer-encoding: y\r\ncontent-length: 2\r\n\r\n")));
}

static void target_in_origin_form_is_split_at_the_query(void **state)
{
    (void)state;
    struct tb_str path, query;
    assert_true(tb_framing_target(TB_STR("/a/b?c=d?e"), &path, &query));
    assert_str(path, "/a/b");
    assert_str(query, "c=d?e");
    assert_true(tb_framing_target(TB_STR("/a"), &path, &query));
    assert_str(path, "/a");
    assert_absent(query);
    assert_true(tb_framing_target(TB_STR("/a?"), &path, &query));
    assert_str(query, "");
}

static void target_in_absolute_form_loses_its_host(void **state)
{
    (void)state;
    struct tb_str path, query;
    assert_true(tb_framing_target(TB_STR("http://x:1/a?b"), &path, &query));
    assert_str(path, "/a");
    assert_str(query, "b");
    assert_true(tb_framing_target(TB_STR("HTTPS://x?b"), &path, &query));
    assert_str(path, "/");
    assert_str(query, "b");
    assert_true(tb_framing_target(TB_STR("http://x"), &path, &query));
    assert_str(path, "/");
    assert_absent(query);
}

static void target_of_any_other_form_is_refused(void **state)
{
    (void)state;
    struct tb_str path, query;
    assert_false(tb_framing_target(TB_STR("*"), &path, &query));
    assert_false(tb_framing_target(TB_STR("host:80"), &path, &query));
    assert_false(tb_framing_target(TB_STR(""), &path, &query));
    assert_false(tb_framing_target(TB_STR("ftp://x/a"), &path, &query));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing_with_one_length_or_one_encoding_is_sound),
        cmocka_unit_test(framing_that_two_readers_could_read_differently_is_at_fault),
        cmocka_unit_test(framing_of_http_1_0_has_no_encoding),
        cmocka_unit_test(framing_in_chunks_is_known),
        cmocka_unit_test(target_in_origin_form_is_split_at_the_query),
        cmocka_unit_test(target_in_absolute_form_loses_its_host),
        cmocka_unit_test(target_of_any_other_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
