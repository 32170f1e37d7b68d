
#include "unit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "sss_kem.h"
#include "sss_mlkem.h"


static const sss_kem_t  kems[] = { SSS_KEM_X25519, SSS_KEM_XWING };


/* RFC 9180, appendix A.1.1. */

static void
test_rfc9180(void **state)
{
    uint8_t  private_key[32], public_key[32], sent[32];
    uint8_t  shared[32], expected[32];

    (void) state;

    unit_hex("4612c550263fc8ad58375df3f557aac5"
             "31d26850903e55a9f23f21d8534e8ac8", private_key);
    unit_hex("3948cfe0ad1ddb695d780e59077195da"
             "6c56506b027329794ab02bca80815c4d", public_key);
    unit_hex("37fda3567bdbd628e88668c3c8d7e97d"
             "1d1253b6d4ea6d44c150f741f1bf4431", sent);
    unit_hex("fe0e18c9f024ce43799ae393c7e8fe8f"
             "ce9d218875e8227b0187c04e7d2ea1fc", expected);

    assert_int_equal(sss_kem_decapsulate(SSS_KEM_X25519, private_key,
                                         public_key, sent, shared), 0);
    assert_memory_equal(shared, expected, 32);
}


/* The first test vector of draft-connolly-cfrg-xwing-kem. */

static const char  xwing_sent[] =
    "b83aa828d4d62b9a83ceffe1d3d3bb1ef31264643c070c5798927e41fb07914a"
    "273f8f96e7826cd5375a283d7da885304c5de0516a0f0654243dc5b97f8bfeb8"
    "31f68251219aabdd723bc6512041acbaef8af44265524942b902e68ffd23221c"
    "da70b1b55d776a92d1143ea3a0c475f63ee6890157c7116dae3f62bf72f60acd"
    "2bb8cc31ce2ba0de364f52b8ed38c79d719715963a5dd3842d8e8b43ab704e47"
    "59b5327bf027c63c8fa857c4908d5a8a7b88ac7f2be394d93c3706ddd4e698cc"
    "6ce370101f4d0213254238b4a2e8821b6e414a1cf20f6c1244b699046f5a01ca"
    "a0a1a55516300b40d2048c77cc73afba79afeea9d2c0118bdf2adb8870dc328c"
    "5516cc45b1a2058141039e2c90a110a9e16b318dfb53bd49a126d6b73f215787"
    "517b8917cc01cabd107d06859854ee8b4f9861c226d3764c87339ab16c3667d2"
    "f49384e55456dd40414b70a6af841585f4c90c68725d57704ee8ee7ce6e2f9be"
    "582dbee985e038ffc346ebfb4e22158b6c84374a9ab4a44e1f91de5aac5197f8"
    "9bc5e5442f51f9a5937b102ba3beaebf6e1c58380a4a5fedce4a4e5026f88f52"
    "8f59ffd2db41752b3a3d90efabe463899b7d40870c530c8841e8712b733668ed"
    "033adbfafb2d49d37a44d4064e5863eb0af0a08d47b3cc888373bc05f7a33b84"
    "1bc2587c57eb69554e8a3767b7506917b6b70498727f16eac1a36ec8d8cfaf75"
    "1549f2277db277e8a55a9a5106b23a0206b4721fa9b3048552c5bd5b594d6e24"
    "7f38c18c591aea7f56249c72ce7b117afcc3a8621582f9cf71787e183dee0936"
    "7976e98409ad9217a497df888042384d7707a6b78f5f7fb8409e3b5351753734"
    "61b776002d799cbad62860be70573ecbe13b246e0da7e93a52168e0fb6a9756b"
    "895ef7f0147a0dc81bfa644b088a9228160c0f9acf1379a2941cd28c06ebc80e"
    "44e17aa2f8177010afd78a97ce0868d1629ebb294c5151812c583daeb8868522"
    "0f4da9118112e07041fcc24d5564a99fdbde28869fe0722387d7a9a4d16e1cc8"
    "555917e09944aa5ebaaaec2cf62693afad42a3f518fce67d273cc6c9fb5472b3"
    "80e8573ec7de06a3ba2fd5f931d725b493026cb0acbd3fe62d00e4c790d965d7"
    "a03a3c0b4222ba8c2a9a16e2ac658f572ae0e746eafc4feba023576f08942278"
    "a041fb82a70a595d5bacbf297ce2029898a71e5c3b0d1c6228b485b1ade509b3"
    "5fbca7eca97b2132e7cb6bc465375146b7dceac969308ac0c2ac89e7863eb894"
    "3015b24314cafb9c7c0e85fe543d56658c213632599efabfc1ec49dd8c88547b"
    "b2cc40c9d38cbd3099b4547840560531d0188cd1e9c23a0ebee0a03d5577d66b"
    "1d2bcb4baaf21cc7fef1e03806ca96299df0dfbc56e1b2b43e4fc20c37f834c4"
    "af62127e7dae86c3c25a2f696ac8b589dec71d595bfbe94b5ed4bc07d800b330"
    "796fda89edb77be0294136139354eb8cd37591578f9c600dd9be8ec6219fdd50"
    "7adf3397ed4d68707b8d13b24ce4cd8fb22851bfe9d632407f31ed6f7cb1600d"
    "e56f17576740ce2a32fc5145030145cfb97e63e0e41d354274a079d3e6fb2e15";


/*
 * Computes the public key of a given seed, which the library does not offer.
 */

static void
xwing_public(const uint8_t *seed, uint8_t *public_key)
{
    size_t       len;
    uint8_t      expanded[96];
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    assert_non_null(ctx);
    assert_int_equal(EVP_DigestInit_ex(ctx, EVP_shake256(), NULL), 1);
    assert_int_equal(EVP_DigestUpdate(ctx, seed, 32), 1);
    assert_int_equal(EVP_DigestFinalXOF(ctx, expanded, 96), 1);
    EVP_MD_CTX_free(ctx);

    assert_int_equal(sss_mlkem_public(expanded, public_key), 0);

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
                                        expanded + SSS_MLKEM_SEED, 32);
    assert_non_null(pkey);

    len = 32;
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, public_key
                                                 + SSS_MLKEM_PUBLIC, &len),
                     1);
    EVP_PKEY_free(pkey);
}


static void
test_xwing(void **state)
{
    uint8_t  private_key[32], public_key[SSS_KEM_PUBLIC];
    uint8_t  sent[SSS_KEM_SENT], shared[32], expected[32];

    (void) state;

    if (!sss_kem_available(SSS_KEM_XWING)) {
        print_message("this OpenSSL has no ML-KEM\n");
        skip();
    }

    unit_hex("7f9c2ba4e88f827d616045507605853e"
             "d73b8093f6efbc88eb1a6eacfa66ef26", private_key);
    unit_hex("d2df0522128f09dd8e2c92b1e905c793"
             "d8f57a54c3da25861f10bf4ca613e384", expected);

    assert_int_equal(unit_hex(xwing_sent, sent), SSS_KEM_SENT);

    xwing_public(private_key, public_key);

    assert_int_equal(sss_kem_decapsulate(SSS_KEM_XWING, private_key,
                                         public_key, sent, shared), 0);
    assert_memory_equal(shared, expected, 32);

    /* SHA-256 of the public key of the vector */

    unit_hex("2e816deebcd76c5c80d0cd2d17447887"
             "1658e8e2ff42bc9d4a6e486372e856bb", expected);

    SHA256(public_key, sizeof(public_key), shared);
    assert_memory_equal(shared, expected, 32);
}


static void
test_agree(void **state)
{
    size_t     i, n;
    uint8_t    a[32], public_a[SSS_KEM_PUBLIC];
    uint8_t    b[32], public_b[SSS_KEM_PUBLIC];
    uint8_t    sent[SSS_KEM_SENT], one[32], other[32];
    sss_kem_t  kem;

    (void) state;

    for (i = 0; i < unit_count(kems); i++) {
        kem = kems[i];

        if (!sss_kem_available(kem)) {
            assert_int_equal(kem, SSS_KEM_XWING);
            assert_int_equal(sss_kem_generate(kem, a, public_a), -1);
            continue;
        }

        assert_int_equal(sss_kem_generate(kem, a, public_a), 0);
        assert_int_equal(sss_kem_generate(kem, b, public_b), 0);
        assert_memory_not_equal(a, b, 32);

        assert_int_equal(sss_kem_encapsulate(kem, public_a, sent, one), 0);
        assert_int_equal(sss_kem_decapsulate(kem, a, public_a, sent, other),
                         0);
        assert_memory_equal(one, other, 32);

        /* another secret each time, and not the same with another key */

        assert_int_equal(sss_kem_decapsulate(kem, b, public_b, sent, other),
                         0);
        assert_memory_not_equal(one, other, 32);

        for (n = 0; n < sss_kem_sent_size(kem); n += 31) {
            sent[n] ^= 1;

            if (sss_kem_decapsulate(kem, a, public_a, sent, other) == 0) {
                assert_memory_not_equal(one, other, 32);
            }

            sent[n] ^= 1;
        }

        assert_int_equal(sss_kem_encapsulate(kem, public_a, sent, other), 0);
        assert_memory_not_equal(one, other, 32);

        assert_int_equal(ERR_peek_error(), 0);
    }
}


/*
 * Points of small order (RFC 7748, section 6.1) lead to zeros with every
 * private key, and are refused.
 */

static void
test_low_order(void **state)
{
    size_t      i, k, off;
    uint8_t     a[32], public_a[SSS_KEM_PUBLIC], public_b[SSS_KEM_PUBLIC];
    uint8_t     sent[SSS_KEM_SENT], shared[32];
    sss_kem_t   kem;

    static const char *const  points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    (void) state;

    for (i = 0; i < unit_count(kems); i++) {
        kem = kems[i];

        if (!sss_kem_available(kem)) {
            continue;
        }

        for (k = 0; k < unit_count(points); k++) {
            assert_int_equal(sss_kem_generate(kem, a, public_a), 0);
            assert_int_equal(sss_kem_encapsulate(kem, public_a, sent, shared),
                             0);

            off = sss_kem_sent_size(kem) - 32;
            unit_hex(points[k], sent + off);

            memset(shared, 0xa5, sizeof(shared));
            assert_int_equal(sss_kem_decapsulate(kem, a, public_a, sent,
                                                 shared), -1);
            assert_true(unit_zero(shared, sizeof(shared)));

            memcpy(public_b, public_a, sizeof(public_b));
            off = sss_kem_public_size(kem) - 32;
            unit_hex(points[k], public_b + off);

            memset(shared, 0xa5, sizeof(shared));
            assert_int_equal(sss_kem_encapsulate(kem, public_b, sent, shared),
                             -1);
            assert_true(unit_zero(shared, sizeof(shared)));
            assert_int_equal(ERR_peek_error(), 0);
        }
    }
}


static void
test_unknown(void **state)
{
    uint8_t  bytes[SSS_KEM_PUBLIC], sent[SSS_KEM_SENT], shared[32];

    (void) state;

    memset(bytes, 1, sizeof(bytes));

    assert_int_equal(sss_kem_public_size((sss_kem_t) 0x21), 0);
    assert_int_equal(sss_kem_sent_size((sss_kem_t) 0x21), 0);
    assert_int_equal(sss_kem_available((sss_kem_t) 0x21), 0);
    assert_int_equal(sss_kem_encapsulate((sss_kem_t) 0x21, bytes, sent,
                                         shared), -1);
    assert_int_equal(sss_kem_decapsulate((sss_kem_t) 0x21, bytes, bytes, sent,
                                         shared), -1);
    assert_true(unit_zero(shared, sizeof(shared)));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rfc9180),
        cmocka_unit_test(test_xwing),
        cmocka_unit_test(test_agree),
        cmocka_unit_test(test_low_order),
        cmocka_unit_test(test_unknown)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
