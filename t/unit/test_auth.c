
#include "unit.h"

#include "sss_auth.h"


typedef struct {
    const char  *text;
    size_t       len;
    const char  *said;                  /* the command; NULL: it is refused */
} file_t;

#define file(text, said)  { text, sizeof(text) - 1, said }


static void
test_files(void **state)
{
    static const file_t  files[] = {
        file("u:p", "set sss1:auth 0 -1 3\r\nu p\r\n"),
        file("u:p\n", "set sss1:auth 0 -1 3\r\nu p\r\n"),
        file("u:p\r\n", "set sss1:auth 0 -1 3\r\nu p\r\n"),
        file("nginx:a:b#c\nother:x\n",
             "set sss1:auth 0 -1 11\r\nnginx a:b#c\r\n"),
        file("u:p q\n", NULL),
        file("u:p \n", NULL),
        file("", NULL),
        file("\n", NULL),
        file("\nu:p\n", NULL),
        file("up\n", NULL),
        file(":p\n", NULL),
        file("u:\n", NULL),
        file("u:\r\n", NULL),
        file("u v:p\n", NULL),
        file(" u:p\n", NULL),
        file("u:p\rq\n", NULL),
        file("u:p\0\n", NULL),
        file("u:\tp\n", NULL),
        file("u:p\x7f\n", NULL)
    };

    size_t       i;
    sss_auth_t   auth;
    const char  *error;

    (void) state;

    for (i = 0; i < unit_count(files); i++) {
        memset(&auth, 0xa5, sizeof(auth));

        error = sss_auth_parse(files[i].text, files[i].len, &auth);

        if (files[i].said == NULL) {
            assert_non_null(error);
            assert_int_equal(auth.len, 0);
            assert_int_equal(auth.command[0], '\0');
            continue;
        }

        assert_null(error);
        assert_int_equal(auth.len, strlen(files[i].said));
        assert_memory_equal(auth.command, files[i].said, auth.len);
    }
}


static void
test_length(void **state)
{
    char        text[SSS_AUTH_MAX + 3];
    sss_auth_t  auth;

    (void) state;

    memset(text, 'p', sizeof(text));
    text[1] = ':';
    text[SSS_AUTH_MAX] = '\r';
    text[SSS_AUTH_MAX + 1] = '\n';

    assert_null(sss_auth_parse(text, SSS_AUTH_MAX + 2, &auth));
    assert_in_range(auth.len, SSS_AUTH_MAX, SSS_AUTH_COMMAND);

    text[SSS_AUTH_MAX] = 'p';

    assert_non_null(sss_auth_parse(text, SSS_AUTH_MAX + 2, &auth));
    assert_non_null(sss_auth_parse(text, SSS_AUTH_MAX + 1, &auth));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_length)
    };

    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
