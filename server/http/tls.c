#include "http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/instant.h"
#include "base/log.h"

#define CHAIN_MAX 16 /* certificates beside the server's own */

struct tb_tls {
    struct tb_tls_files files;
    pthread_mutex_t lock;
    /* under the lock */
    SSL_CTX *context;
};

/* Where a sentence about what is wrong goes. */
struct complaint {
    char *why;
    size_t why_size;
};

static bool refuse(const struct complaint *complaint, const char *start, const char *path,
                   const char *reason)
{
    (void)snprintf(complaint->why, complaint->why_size, "%s %s: %s", start, path, reason);
    return false;
}

/* What the library says of its last failure. */
static const char *reason_of_failure(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason == NULL ? "the library gives no reason" : reason;
}

/* --- clients that have ended their TLS --- */

/* From the client's close_notify until its SSL is freed, in a list of the connection's thread. */
struct end {
    void *connection;
    bool mark; /* of who visits it */
    struct end *next;
    struct end **at; /* where it is linked */
};

static __thread struct end *first_end;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;
static int end_index; /* of an SSL's own data */

static void unlink_end(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
    struct end *end = data;
    (void)ssl;
    (void)all;
    (void)index;
    (void)argl;
    (void)argp;
    if (end == NULL) {
        return;
    }
    *end->at = end->next;
    if (end->next != NULL) {
        end->next->at = end->at;
    }
    free(end);
}

static void make_end_index(void)
{
    end_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, unlink_end);
}

/* It is told once: behind it the library reads no more alerts. */
static void note_end(const SSL *const_ssl, int where, int what)
{
    SSL *ssl = (SSL *)(uintptr_t)const_ssl;
    if (where != SSL_CB_READ_ALERT || (what & 0xff) != SSL_AD_CLOSE_NOTIFY ||
        SSL_get_ex_data(ssl, end_index) != NULL) {
        return;
    }
    struct end *end = malloc(sizeof(*end));
    if (end == NULL || SSL_set_ex_data(ssl, end_index, end) != 1) {
        free(end);
        return;
    }
    *end = (struct end){
        .connection = BIO_get_data(SSL_get_rbio(ssl)), .next = first_end, .at = &first_end};
    if (first_end != NULL) {
        first_end->at = &end->next;
    }
    first_end = end;
}

void tb_tls_visit_ended(void (*visit)(void *connection, bool *mark))
{
    for (struct end *end = first_end; end != NULL; end = end->next) {
        visit(end->connection, &end->mark);
    }
}

/* --- the two files --- */

/* A server cannot ask anybody. */
static int note_passphrase(char *out, int size, int writing, void *asked)
{
    (void)writing;
    *(bool *)asked = true;
    if (size > 0) {
        out[0] = '\0';
    }
    return -1;
}

static bool is_end_of_pem(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* The certificates behind the first. NULL, or what is wrong. */
static const char *read_chain(SSL_CTX *context, FILE *file)
{
    bool asked = false;
    for (unsigned i = 0; i <= CHAIN_MAX; i++) {
        ERR_clear_error();
        X509 *next = PEM_read_X509(file, NULL, note_passphrase, &asked);
        if (next == NULL) {
            return is_end_of_pem() ? NULL : "a certificate behind the first is damaged";
        }
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return reason_of_failure();
        }
    }
    return "it has too many certificates";
}

/* NULL, or what is wrong. */
static const char *read_certificates(SSL_CTX *context, FILE *file)
{
    bool asked = false;
    ERR_clear_error();
    X509 *own = PEM_read_X509(file, NULL, note_passphrase, &asked);
    if (own == NULL) {
        return is_end_of_pem() ? "it holds no certificate in PEM" : "its certificate is damaged";
    }
    bool taken = SSL_CTX_use_certificate(context, own) == 1;
    X509_free(own);
    return taken ? read_chain(context, file) : reason_of_failure();
}

/* NULL, or what is wrong. The certificate is in the context already. */
static const char *read_key(SSL_CTX *context, FILE *file)
{
    bool asked = false;
    ERR_clear_error();
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, note_passphrase, &asked);
    if (key == NULL) {
        return asked ? "it is protected by a passphrase, which nobody could give"
                     : "it holds no private key in PEM, or a damaged one";
    }
    /* The context itself would take a key of another kind, without a certificate to it. */
    bool fits = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
    bool taken = fits && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    return taken ? NULL : fits ? reason_of_failure() : "it does not belong to the certificate";
}

static bool read_file(SSL_CTX *context, const char *path, const char *kind,
                      const char *(*reader)(SSL_CTX *context, FILE *file),
                      const struct complaint *complaint)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "cannot use the TLS %s in", kind);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return refuse(complaint, start, path, strerror(errno));
    }
    const char *reason = reader(context, file);
    (void)fclose(file);
    ERR_clear_error();
    return reason == NULL || refuse(complaint, start, path, reason);
}

/* --- the context --- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&found, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *context)
{
    static char groups[] = "X25519:P-256:P-384"; /* which the library takes for a variable */
    (void)SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* Sessions are resumed by tickets: nothing is kept here, and loops share no cache. */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    (void)pthread_once(&end_once, make_end_index);
    SSL_CTX_set_info_callback(context, note_end);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

/* NULL with a sentence in the complaint. */
static SSL_CTX *make_context(const struct tb_tls_files *files, const struct complaint *complaint)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !configure(context)) {
        /* UNTESTED: without memory, or with a library that knows none of our ciphers */
        (void)snprintf(complaint->why, complaint->why_size, "cannot set up TLS: %s",
                       reason_of_failure());
        SSL_CTX_free(context);
        return NULL;
    }
    if (!read_file(context, files->cert, "certificate", read_certificates, complaint) ||
        !read_file(context, files->key, "key", read_key, complaint)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

bool tb_tls_new(const struct tb_tls_files *files, struct tb_tls **out, char *why, size_t why_size)
{
    struct complaint complaint = {why, why_size};
    struct tb_tls *tls = malloc(sizeof(*tls));
    if (tls == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        return false;
    }
    *tls = (struct tb_tls){.files = *files, .context = make_context(files, &complaint)};
    if (tls->context == NULL) {
        free(tls);
        return false;
    }
    (void)pthread_mutex_init(&tls->lock, NULL);
    *out = tls;
    return true;
}

void tb_tls_free(struct tb_tls **tls)
{
    if (*tls == NULL) {
        return;
    }
    SSL_CTX_free((*tls)->context);
    (void)pthread_mutex_destroy(&(*tls)->lock);
    free(*tls);
    *tls = NULL;
}

bool tb_tls_reload(struct tb_tls *tls, char *why, size_t why_size)
{
    struct complaint complaint = {.why_size = why_size};
    complaint.why = why;
    SSL_CTX *context = make_context(&tls->files, &complaint);
    if (context == NULL) {
        return false;
    }
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return true;
}

struct ssl_ctx_st *tb_tls_take(struct tb_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *context = tls->context;
    (void)SSL_CTX_up_ref(context);
    pthread_mutex_unlock(&tls->lock);
    return context;
}

void tb_tls_give_back(struct ssl_ctx_st *context)
{
    SSL_CTX_free(context);
}

bool tb_tls_was_plain_http(void)
{
    unsigned long error = ERR_peek_error();
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
}

/* --- what the certificate says --- */

/* 0: before 1970, or no time at all. */
static int64_t ms_of(const ASN1_TIME *time)
{
    struct tm parts;
    int64_t ms = ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : 0;
    return ms < 0 ? 0 : ms > TB_INSTANT_MAX_MS ? TB_INSTANT_MAX_MS : ms;
}

struct tb_tls_validity tb_tls_validity(struct tb_tls *tls)
{
    SSL_CTX *context = tb_tls_take(tls);
    const X509 *own = SSL_CTX_get0_certificate(context);
    struct tb_tls_validity validity = {
        .from_ms = ms_of(X509_get0_notBefore(own)),
        .until_ms = ms_of(X509_get0_notAfter(own)),
    };
    tb_tls_give_back(context);
    return validity;
}

void tb_tls_tell(struct tb_tls *tls, int64_t now_ms)
{
    struct tb_tls_validity validity = tb_tls_validity(tls);
    bool early = now_ms<validity.from_ms, late = now_ms> validity.until_ms;
    char from[TB_INSTANT_LEN], until[TB_INSTANT_LEN];
    tb_instant_format(validity.from_ms, from);
    tb_instant_format(validity.until_ms, until);
    tb_log(early || late ? TB_LOG_WARN : TB_LOG_INFO,
           late    ? "the TLS certificate has expired"
           : early ? "the TLS certificate is not valid yet"
                   : "the TLS certificate is read",
           TB_LOG_C("file", tls->files.cert), TB_LOG_STR("from", tb_str_from(from, sizeof(from))),
           TB_LOG_STR("until", tb_str_from(until, sizeof(until))));
}
