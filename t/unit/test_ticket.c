
/* Tickets as OpenSSL makes them, and everything that is none. */


#include "unit.h"

#include <openssl/ssl.h>

#include "sss_hmac.h"
#include "sss_ticket.h"


static sss_key_t      key;
static sss_ticket_t  *opener;


/* As OpenSSL does it: encrypted, then authenticated. */

static size_t
seal(const uint8_t *text, size_t len, uint8_t *out)
{
    int              n, last;
    EVP_CIPHER_CTX  *cipher;
    sss_hmac_key_t   hmac;

    memcpy(out, key.name, SSS_KEY_NAME);
    memset(out + SSS_KEY_NAME, 'i', 16);

    cipher = EVP_CIPHER_CTX_new();
    assert_non_null(cipher);

    assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL,
                                        key.aes, out + SSS_KEY_NAME), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, out + 32, &n, text,
                                       (int) len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(cipher, out + 32 + n, &last), 1);
    EVP_CIPHER_CTX_free(cipher);

    n += 32 + last;

    sss_hmac_key(&hmac, key.hmac, sizeof(key.hmac));
    sss_hmac(&hmac, out, (size_t) n, out + n);

    return (size_t) n + SSS_HMAC_SIZE;
}


static void
test_open(void **state)
{
    size_t     i, len;
    uint8_t    text[300], ticket[400], out[400];
    sss_key_t  other;

    (void) state;

    memset(text, 't', sizeof(text));

    for (i = 0; i < sizeof(text); i++) {
        len = seal(text, i, ticket);

        assert_int_equal(sss_ticket_open(opener, &key, ticket, len, out), i);
        assert_memory_equal(out, text, i);
    }

    len = seal(text, 100, ticket);

    for (i = 0; i < len; i++) {
        assert_int_equal(sss_ticket_open(opener, &key, ticket, i, out), -1);

        ticket[i] ^= 0x40;
        assert_int_equal(sss_ticket_open(opener, &key, ticket, len, out), -1);
        ticket[i] ^= 0x40;
    }

    other = key;
    other.aes[0] ^= 1;
    assert_int_not_equal(sss_ticket_open(opener, &other, ticket, len, out),
                         100);

    other = key;
    other.hmac[0] ^= 1;
    assert_int_equal(sss_ticket_open(opener, &other, ticket, len, out), -1);

    other = key;
    other.name[0] ^= 1;
    assert_int_equal(sss_ticket_open(opener, &other, ticket, len, out), -1);

    assert_int_equal(sss_ticket_open(opener, &key, ticket, len, out), 100);
}


/* Fields around the one that is looked for. */

static void
test_age_add(void **state)
{
    size_t    i;
    uint32_t  add;

    static const struct {
        const char  *bytes;
        size_t       len;
        int          rc;
        uint32_t     add;
    } cases[] = {
        { "\x30\x00", 2, 0, 0 },
        { "\x30\x03\x02\x01\x01", 5, 0, 0 },
        { "\x30\x05\xae\x03\x02\x01\x07", 7, 0, 7 },
        { "\x30\x08\x02\x01\x01\xae\x03\x02\x01\x07", 10, 0, 7 },
        { "\x30\x09\xae\x07\x02\x05\x00\xff\xfe\xfd\xfc", 11, 0,
          0xfffefdfc },
        { "\x30\x81\x05\xae\x03\x02\x01\x07", 8, 0, 7 },
        { "\x30\x82\x00\x05\xae\x03\x02\x01\x07", 9, 0, 7 },
        { "", 0, -1, 0 },
        { "\x30", 1, -1, 0 },
        { "\x31\x00", 2, -1, 0 },
        { "\x30\x01", 2, -1, 0 },
        { "\x30\x80\x00", 3, -1, 0 },
        { "\x30\x84\x00\x00\x00\x01\x00", 7, -1, 0 },
        { "\x30\x05\xae\x04\x02\x01\x07", 7, -1, 0 },
        { "\x30\x05\xae\x03\x02\x02\x07", 7, -1, 0 },
        { "\x30\x05\xae\x03\x04\x01\x07", 7, -1, 0 },
        { "\x30\x06\xae\x04\x02\x01\x07\x00", 8, -1, 0 },
        { "\x30\x0a\xae\x08\x02\x06\x00\x00\xff\xfe\xfd\xfc", 12, -1, 0 },
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        assert_int_equal(sss_ticket_age_add((const uint8_t *) cases[i].bytes,
                                            cases[i].len, &add),
                         cases[i].rc);

        if (cases[i].rc == 0) {
            assert_int_equal(add, cases[i].add);
        }
    }
}


/* In what OpenSSL writes there is one, and only its own value is found. */

static void
test_openssl(void **state)
{
    int           len;
    size_t        i;
    uint8_t       bytes[1024], *p;
    uint32_t      add;
    SSL_SESSION  *session;

    (void) state;

    session = SSL_SESSION_new();
    assert_non_null(session);

    assert_int_equal(SSL_SESSION_set_protocol_version(session,
                                                      TLS1_3_VERSION), 1);
    assert_int_equal(SSL_SESSION_set1_hostname(session, "a.example"), 1);
    assert_int_equal(SSL_SESSION_set1_master_key(session,
                     (const uint8_t *) "0123456789abcdef0123456789abcdef",
                     32), 1);

    p = bytes;
    len = i2d_SSL_SESSION(session, NULL);

    /* without a cipher OpenSSL encodes none */

    if (len > 0) {
        assert_true((size_t) len <= sizeof(bytes));
        (void) i2d_SSL_SESSION(session, &p);

        assert_int_equal(sss_ticket_age_add(bytes, (size_t) len, &add), 0);
        assert_int_equal(add, 0);

        for (i = 0; i < (size_t) len; i++) {
            assert_int_equal(sss_ticket_age_add(bytes, i, &add), -1);
        }
    }

    SSL_SESSION_free(session);
}


int
main(void)
{
    int                      rc;
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_age_add),
        cmocka_unit_test(test_openssl),
    };

    memset(&key, 0, sizeof(key));
    memcpy(key.name, "0123456789abcdef", SSS_KEY_NAME);
    memset(key.aes, 'a', sizeof(key.aes));
    memset(key.hmac, 'h', sizeof(key.hmac));

    opener = sss_ticket_create();
    rc = opener ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    sss_ticket_destroy(opener);

    return rc;
}
