
#include "unit.h"

#include <openssl/err.h>
#include <openssl/opensslv.h>

#if (OPENSSL_VERSION_NUMBER >= 0x30200000L)
#include <openssl/evp.h>
#include <openssl/hpke.h>
#endif

#include "sss_hpke.h"


#define PLAIN  "Beauty is truth, truth beauty"
#define INFO   "Ode on a Grecian Urn"
#define AAD    "Count-0"
#define NAME   "Ennyn Durin aran Moria"
#define LEN    (sizeof(PLAIN) - 1)
#define SEALED (LEN + SSS_AEAD_TAG)


static uint8_t  psk[32];


static void
prepare(sss_hpke_t *hpke, sss_kem_t kem)
{
    unit_hex("0247fd33b913760fa1fa51e1892d9f30"
             "7fbe65eb171e8132c2af18555a738b82", psk);

    hpke->kem = kem;
    hpke->psk = psk;
    hpke->psk_id = (const uint8_t *) NAME;
    hpke->psk_id_len = sizeof(NAME) - 1;
    hpke->info = (const uint8_t *) INFO;
    hpke->info_len = sizeof(INFO) - 1;
    hpke->aad = (const uint8_t *) AAD;
    hpke->aad_len = sizeof(AAD) - 1;
}


/*
 * RFC 9180 has no vectors of mode_psk with X25519 and AES-256-GCM.  Key, nonce
 * and ciphertext were computed by a separate program from the shared secret of
 * appendix A.1.1 and the psk of A.1.2.
 */

static void
test_schedule(void **state)
{
    uint8_t     shared[32], key[32], nonce[12], expected[SEALED];
    uint8_t     private_key[32], public_key[32], sent[32], out[LEN];
    sss_hpke_t  hpke;

    (void) state;

    prepare(&hpke, SSS_KEM_X25519);

    unit_hex("fe0e18c9f024ce43799ae393c7e8fe8f"
             "ce9d218875e8227b0187c04e7d2ea1fc", shared);

    assert_int_equal(sss_hpke_schedule(&hpke, shared, key, nonce), 0);

    unit_hex("9fab257848a7f9de7d8a1183afcccbc8"
             "d185dfcb3d49e33ac649659abe17eec0", expected);
    assert_memory_equal(key, expected, 32);

    unit_hex("5b4ea0364f25c4af9e924811", expected);
    assert_memory_equal(nonce, expected, 12);

    unit_hex("4612c550263fc8ad58375df3f557aac5"
             "31d26850903e55a9f23f21d8534e8ac8", private_key);
    unit_hex("3948cfe0ad1ddb695d780e59077195da"
             "6c56506b027329794ab02bca80815c4d", public_key);
    unit_hex("37fda3567bdbd628e88668c3c8d7e97d"
             "1d1253b6d4ea6d44c150f741f1bf4431", sent);

    assert_int_equal(unit_hex("def50765a14ae95d06508b2dd666cae57aec3793431c"
                              "c79313d9e8472c2cdcba169d2655eb98fc9db4d8c3a8"
                              "eb", expected), SEALED);

    assert_int_equal(sss_hpke_open(&hpke, private_key, public_key, sent,
                                   expected, SEALED, out), 0);
    assert_memory_equal(out, PLAIN, LEN);
}


/*
 * If any parameter differs the message does not open, and the output is wiped.
 */

static void
refused(const sss_hpke_t *hpke, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, const uint8_t *sealed,
    size_t len)
{
    uint8_t  out[SEALED];

    memset(out, 0xa5, sizeof(out));

    assert_int_equal(sss_hpke_open(hpke, private_key, public_key, sent,
                                   sealed, len, out), -1);

    if (len > SSS_AEAD_TAG) {
        assert_true(unit_zero(out, len - SSS_AEAD_TAG));
    }

    assert_int_equal(ERR_peek_error(), 0);
}


static void
round_trip(sss_kem_t kem)
{
    size_t      i;
    uint8_t     private_key[32], public_key[SSS_KEM_PUBLIC];
    uint8_t     other[32], other_public[SSS_KEM_PUBLIC], wrong[32];
    uint8_t     sent[SSS_KEM_SENT], sealed[SEALED], out[LEN];
    sss_hpke_t  hpke, bad;

    prepare(&hpke, kem);

    assert_int_equal(sss_kem_generate(kem, private_key, public_key), 0);
    assert_int_equal(sss_kem_generate(kem, other, other_public), 0);
    assert_int_equal(sss_hpke_seal(&hpke, public_key, PLAIN, LEN, sent,
                                   sealed), 0);
    assert_int_equal(sss_hpke_open(&hpke, private_key, public_key, sent,
                                   sealed, SEALED, out), 0);
    assert_memory_equal(out, PLAIN, LEN);

    refused(&hpke, other, other_public, sent, sealed, SEALED);
    refused(&hpke, private_key, other_public, sent, sealed, SEALED);

    for (i = 0; i < SEALED; i++) {
        refused(&hpke, private_key, public_key, sent, sealed, i);

        sealed[i] ^= 0x10;
        refused(&hpke, private_key, public_key, sent, sealed, SEALED);
        sealed[i] ^= 0x10;
    }

    for (i = 0; i < sss_kem_sent_size(kem); i += 7) {
        sent[i] ^= 0x10;
        refused(&hpke, private_key, public_key, sent, sealed, SEALED);
        sent[i] ^= 0x10;
    }

    memcpy(wrong, psk, sizeof(wrong));
    wrong[31] ^= 1;

    bad = hpke;
    bad.psk = wrong;
    refused(&bad, private_key, public_key, sent, sealed, SEALED);

    bad = hpke;
    bad.psk_id_len--;
    refused(&bad, private_key, public_key, sent, sealed, SEALED);

    bad = hpke;
    bad.info_len--;
    refused(&bad, private_key, public_key, sent, sealed, SEALED);

    bad = hpke;
    bad.aad_len--;
    refused(&bad, private_key, public_key, sent, sealed, SEALED);

    bad = hpke;
    bad.info_len = SSS_HPKE_INFO + 1;
    refused(&bad, private_key, public_key, sent, sealed, SEALED);

    assert_int_equal(sss_hpke_open(&hpke, private_key, public_key, sent,
                                   sealed, SEALED, out), 0);
}


static void
test_round_trip(void **state)
{
    (void) state;

    round_trip(SSS_KEM_X25519);

    if (sss_kem_available(SSS_KEM_XWING)) {
        round_trip(SSS_KEM_XWING);
    }
}


/* OpenSSL's own HPKE opens what is sealed here, and vice versa. */

#if (OPENSSL_VERSION_NUMBER >= 0x30200000L)

static OSSL_HPKE_CTX *
theirs(const sss_hpke_t *hpke, int role)
{
    OSSL_HPKE_CTX    *ctx;
    OSSL_HPKE_SUITE   suite = { OSSL_HPKE_KEM_ID_X25519,
                                OSSL_HPKE_KDF_ID_HKDF_SHA256,
                                OSSL_HPKE_AEAD_ID_AES_GCM_256 };

    ctx = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_PSK, suite, role, NULL, NULL);

    assert_non_null(ctx);
    assert_int_equal(OSSL_HPKE_CTX_set1_psk(ctx, NAME, hpke->psk, 32), 1);

    return ctx;
}


static void
test_openssl(void **state)
{
    size_t          len, sent_len;
    uint8_t         private_key[32], public_key[32], sent[32];
    uint8_t         sealed[SEALED], out[SEALED];
    EVP_PKEY       *pkey;
    sss_hpke_t      hpke;
    OSSL_HPKE_CTX  *ctx;

    (void) state;

    prepare(&hpke, SSS_KEM_X25519);

    assert_int_equal(sss_kem_generate(SSS_KEM_X25519, private_key,
                                      public_key), 0);

    ctx = theirs(&hpke, OSSL_HPKE_ROLE_SENDER);
    len = sizeof(sealed);
    sent_len = sizeof(sent);

    assert_int_equal(OSSL_HPKE_encap(ctx, sent, &sent_len, public_key, 32,
                                     hpke.info, hpke.info_len), 1);
    assert_int_equal(OSSL_HPKE_seal(ctx, sealed, &len, hpke.aad, hpke.aad_len,
                                    (const uint8_t *) PLAIN, LEN), 1);
    OSSL_HPKE_CTX_free(ctx);

    assert_int_equal(sss_hpke_open(&hpke, private_key, public_key, sent,
                                   sealed, len, out), 0);
    assert_memory_equal(out, PLAIN, LEN);

    assert_int_equal(sss_hpke_seal(&hpke, public_key, PLAIN, LEN, sent,
                                   sealed), 0);

    ctx = theirs(&hpke, OSSL_HPKE_ROLE_RECEIVER);
    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key,
                                        32);
    len = sizeof(out);

    assert_int_equal(OSSL_HPKE_decap(ctx, sent, sizeof(sent), pkey, hpke.info,
                                     hpke.info_len), 1);
    assert_int_equal(OSSL_HPKE_open(ctx, out, &len, hpke.aad, hpke.aad_len,
                                    sealed, SEALED), 1);
    assert_int_equal(len, LEN);
    assert_memory_equal(out, PLAIN, LEN);

    EVP_PKEY_free(pkey);
    OSSL_HPKE_CTX_free(ctx);
}

#endif


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_schedule),
#if (OPENSSL_VERSION_NUMBER >= 0x30200000L)
        cmocka_unit_test(test_openssl),
#endif
        cmocka_unit_test(test_round_trip)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
