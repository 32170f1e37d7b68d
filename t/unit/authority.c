
#include "authority.h"

#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>


EVP_PKEY *
key_make(void)
{
    EVP_PKEY      *key;
    EVP_PKEY_CTX  *ctx;

    key = NULL;
    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
                         NID_X9_62_prime256v1), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);

    EVP_PKEY_CTX_free(ctx);

    return key;
}


X509 *
certificate_make(EVP_PKEY *key, const char *names, long seconds,
    const authority_t *authority)
{
    X509            *certificate;
    X509_NAME       *subject;
    X509_EXTENSION  *extension;

    certificate = X509_new();
    assert_non_null(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, key);

    subject = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) (names ? "server"
                                                              : "authority"),
                               -1, -1, 0);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, authority
                         ? X509_get_subject_name(authority->certificate)
                         : subject);
    X509_NAME_free(subject);

    extension = X509V3_EXT_conf_nid(NULL, NULL,
                                    names ? NID_subject_alt_name
                                          : NID_basic_constraints,
                                    names ? names : "critical,CA:TRUE");
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);

    assert_true(X509_sign(certificate, authority ? authority->key : key,
                          EVP_sha256()) > 0);

    return certificate;
}


void
authority_make(authority_t *authority)
{
    int    fd;
    FILE  *f;

    authority->key = key_make();
    authority->certificate = certificate_make(authority->key, NULL, 3600,
                                              NULL);

    strcpy(authority->file, "/tmp/sss-test-tls-XXXXXX");

    fd = mkstemp(authority->file);
    assert_true(fd != -1);
    f = fdopen(fd, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, authority->certificate), 1);
    fclose(f);
}


void
authority_free(authority_t *authority)
{
    unlink(authority->file);
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}


void
pair_make(pair_t *pair, const authority_t *authority, const char *names)
{
    int        fd;
    FILE      *f;
    X509      *certificate;
    EVP_PKEY  *key;

    key = key_make();
    certificate = certificate_make(key, names, 3600, authority);

    strcpy(pair->file, "/tmp/sss-test-pair-XXXXXX");

    fd = mkstemp(pair->file);
    assert_true(fd != -1);
    f = fdopen(fd, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, certificate), 1);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL),
                     1);
    fclose(f);

    snprintf(pair->option, sizeof(pair->option),
             "ssl_chain_cert=%s,ssl_key=%s", pair->file, pair->file);

    X509_free(certificate);
    EVP_PKEY_free(key);
}


void
pair_free(pair_t *pair)
{
    unlink(pair->file);
}
