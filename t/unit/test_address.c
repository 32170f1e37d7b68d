
#include "unit.h"

#include "sss_address.h"


/* Parses an exact copy: a sanitizer sees a byte read too many. */

static const char *
parse(const char *text, size_t len, sss_address_t *address)
{
    char        *copy;
    const char  *error;

    memset(address, 0xa5, sizeof(sss_address_t));

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    error = sss_address_parse(copy, len, address);

    free(copy);

    return error;
}


static void
test_good(void **state)
{
    size_t         i;
    sss_address_t  address;

    static const struct {
        const char  *text;
        const char  *host;
        uint16_t     port;
    } cases[] = {
        { "10.0.0.11:11211", "10.0.0.11", 11211 },
        { "255.255.255.255:65535", "255.255.255.255", 65535 },
        { "0.0.0.0:1", "0.0.0.0", 1 },
        { "memcached:11211", "memcached", 11211 },
        { "m-1.Example.com:11211", "m-1.Example.com", 11211 },
        { "m_1.example.com.:11211", "m_1.example.com.", 11211 },
        { "3com.example:80", "3com.example", 80 },
        { "a:00080", "a", 80 },
        { "[::1]:11211", "::1", 11211 },
        { "[2001:DB8::11]:11212", "2001:DB8::11", 11212 },
        { "[2001:0db8:0000:0000:0000:ff00:0042:8329]:9",
          "2001:0db8:0000:0000:0000:ff00:0042:8329", 9 },
        { "[0000:0000:0000:0000:0000:ffff:255.255.255.255]:9",
          "0000:0000:0000:0000:0000:ffff:255.255.255.255", 9 },
        { "unix:/run/memcached.sock", "/run/memcached.sock", 0 },
        { "unix:/a b:c]", "/a b:c]", 0 },
        { "unix:/a", "/a", 0 }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        print_message("%s\n", cases[i].text);

        assert_null(parse(cases[i].text, strlen(cases[i].text), &address));
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
    }
}


/* For each mistake there is a sentence that has this word. */

static void
test_bad(void **state)
{
    size_t         i;
    const char    *error;
    sss_address_t  address;

    static const struct {
        const char  *text;
        const char  *word;
    } cases[] = {
        { "", "no address" },
        { ":", "host name" },
        { ":11211", "host name" },
        { "10.0.0.11", "no port" },
        { "10.0.0.11:", "no port" },
        { "memcached", "no port" },
        { "a:0", "1 to 65535" },
        { "a:65536", "1 to 65535" },
        { "a:99999", "1 to 65535" },
        { "a:000080", "1 to 65535" },
        { "a:4294967297", "1 to 65535" },
        { "a:+80", "1 to 65535" },
        { "a:-1", "1 to 65535" },
        { "a:80 ", "1 to 65535" },
        { "a: 80", "1 to 65535" },
        { "a:8x", "1 to 65535" },
        { "a:http", "1 to 65535" },
        { "a:1/", "1 to 65535" },
        { "a:1:", "brackets" },
        { "::1:11211", "brackets" },
        { "::1", "brackets" },
        { "2001:db8::11", "brackets" },
        { "a b:1", "host name" },
        { " a:1", "host name" },
        { "a..b:1", "host name" },
        { ".a:1", "host name" },
        { ".:1", "host name" },
        { "-a:1", "host name" },
        { "a.-b:1", "host name" },
        { "a@b:1", "host name" },
        { "a`b:1", "host name" },
        { "a[b:1", "host name" },
        { "a{b:1", "host name" },
        { "a/b:1", "host name" },
        { "\xc1:1", "host name" },
        { "a\x7f:1", "host name" },
        { "$host:1", "host name" },
        { "http://a:1", "more than one colon" },
        { "10.0.0:1", "not an IPv4" },
        { "10.0.0.256:1", "not an IPv4" },
        { "10.0.0.1.1:1", "not an IPv4" },
        { "10.0.0.1.:1", "not an IPv4" },
        { "11211:1", "not an IPv4" },
        { "[", "missing" },
        { "[::1", "missing" },
        { "[::1:11211", "missing" },
        { "[]:1", "not an IPv6" },
        { "[:]:1", "not an IPv6" },
        { "[::g]:1", "not an IPv6" },
        { "[[::1]]:1", "not an IPv6" },
        { "[10.0.0.1]:1", "not an IPv6" },
        { "[a.example]:1", "not an IPv6" },
        { "[fe80::1%eth0]:1", "not an IPv6" },
        { "[0000:0000:0000:0000:0000:ffff:255.255.255.255:::]:1",
          "not an IPv6" },
        { "[::1]", "no port" },
        { "[::1]:", "no port" },
        { "[::1]11211", "no port" },
        { "[::1]]:1", "no port" },
        { "[::1]:0", "1 to 65535" },
        { "unix:", "no absolute path" },
        { "unix:/", "no absolute path" },
        { "unix:run/x", "no absolute path" },
        { "unix:run", "no absolute path" },
        { "unix:11211", "no absolute path" },
        { "unix:/a\nb", "control character" },
        { "unix:/a\x7f", "control character" },
        { "UNIX:/a", "1 to 65535" },
        { "unix", "no port" }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        print_message("%s\n", cases[i].text);

        error = parse(cases[i].text, strlen(cases[i].text), &address);

        assert_non_null(error);
        assert_non_null(strstr(error, cases[i].word));
        assert_true(unit_zero(&address, sizeof(address)));
    }
}


/* A zero byte never makes the parser see another address. */

static void
test_zero_byte(void **state)
{
    size_t         i, k, len;
    char           text[100];
    sss_address_t  address;

    static const char  *cases[] = {
        "10.0.0.11:11211", "a.example:1", "[::1]:11211", "unix:/run/m"
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        len = strlen(cases[i]);

        for (k = 0; k <= len; k++) {
            memcpy(text, cases[i], k);
            text[k] = '\0';
            memcpy(text + k + 1, cases[i] + k, len - k);

            assert_non_null(parse(text, len + 1, &address));

            if (k < len) {
                memcpy(text, cases[i], len);
                text[k] = '\0';
                assert_non_null(parse(text, len, &address));
            }
        }
    }
}


static void
test_length(void **state)
{
    int            i, n;
    char           text[600];
    sss_address_t  address;

    (void) state;

    /* a path of 107 bytes and a zero fill a struct sockaddr_un */

    memset(text, 'p', sizeof(text));
    memcpy(text, "unix:/", 6);

    assert_null(parse(text, 5 + 107, &address));
    assert_int_equal(strlen(address.host), 107);
    assert_non_null(parse(text, 5 + 108, &address));
    assert_non_null(parse(text, sizeof(text), &address));

    /* labels of 63, names of 253 */

    n = sprintf(text, "%063d.%063d.%063d.%061d:1", 0, 0, 0, 0);
    text[0] = 'n';
    assert_int_equal(n, 253 + 2);
    assert_null(parse(text, (size_t) n, &address));
    assert_int_equal(strlen(address.host), 253);

    n = sprintf(text, "%063d.%063d.%063d.%062d:1", 0, 0, 0, 0);
    text[0] = 'n';
    assert_non_null(parse(text, (size_t) n, &address));

    n = sprintf(text, "n%063d:1", 0);
    assert_non_null(parse(text, (size_t) n, &address));

    for (i = 0; i < (int) sizeof(text); i++) {
        text[i] = i == 0 ? '[' : i == 500 ? ']' : ':';
    }

    assert_non_null(parse(text, sizeof(text), &address));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_length)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
