
/*
 * Parts of the page for a browser.  All of them print at b->last and stop at
 * b->end; what comes from the configuration or the network is escaped.
 */


#ifndef NGX_SSL_SESSION_SYNC_HTML_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_HTML_H_INCLUDED


#include "ngx_ssl_session_sync_snapshot.h"


/* A line of a table of numbers. */

typedef struct {
    const char  *title;
    uint64_t     value;
    const char  *advice;        /* for one that is not zero; NULL: none */
} ngx_ssl_session_sync_row_t;


/* ngx_slprintf()'s formats; strings are printed as they are. */
void ngx_ssl_session_sync_print(ngx_buf_t *b, const char *fmt, ...);

void ngx_ssl_session_sync_html_string(ngx_buf_t *b, const u_char *data,
    size_t len);
void ngx_ssl_session_sync_html_text(ngx_buf_t *b, const char *text);

/* "12,345", in an element that has the number for machines, too. */
void ngx_ssl_session_sync_html_number(ngx_buf_t *b, uint64_t number);

/* "one server", "12,345 servers". */
void ngx_ssl_session_sync_html_count(ngx_buf_t *b, uint64_t number,
    const char *one, const char *several);

/* "98.7 %" of a whole that is not 0. */
void ngx_ssl_session_sync_html_share(ngx_buf_t *b, uint64_t part,
    uint64_t whole);

/* "3 h 5 min"; "1.2 ms". */
void ngx_ssl_session_sync_html_duration(ngx_buf_t *b, uint64_t seconds);
void ngx_ssl_session_sync_html_us(ngx_buf_t *b, uint64_t us);

/* A moment, seconds since the epoch: its date, and how far it is from now. */
void ngx_ssl_session_sync_html_date(ngx_buf_t *b, uint64_t seconds,
    uint64_t now);
void ngx_ssl_session_sync_html_moment(ngx_buf_t *b, uint64_t seconds,
    uint64_t now);

/* A table of those that are not zero, and the others out of the way. */
void ngx_ssl_session_sync_html_rows(ngx_buf_t *b, const char *caption,
    const ngx_ssl_session_sync_row_t *rows, ngx_uint_t n);

/*
 * SSS_LATENCY_BUCKETS numbers as a picture and as a table; "what" is what was
 * counted: "polls".  Nothing if all are zero.
 */
void ngx_ssl_session_sync_html_histogram(ngx_buf_t *b, const char *what,
    const uint64_t *n);

/* The sections of a cluster. */
void ngx_ssl_session_sync_html_wrong(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
void ngx_ssl_session_sync_html_handshakes(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
void ngx_ssl_session_sync_html_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
void ngx_ssl_session_sync_html_servers(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);

/* What to do about the error or the trouble of a server; NULL: not known. */
const char *ngx_ssl_session_sync_server_advice(const char *error);

/* What a number that rises asks for, NULL: nothing. */
const char *ngx_ssl_session_sync_number_advice(const char *group,
    const char *name);


/* A file of the page, which the build makes of ngx_module/page. */

typedef struct {
    ngx_str_t    name;
    ngx_str_t    type;
    ngx_str_t    text;
} ngx_ssl_session_sync_asset_t;


/* NULL if there is none of this name. */
ngx_ssl_session_sync_asset_t *ngx_ssl_session_sync_asset(ngx_str_t *name);


#endif /* NGX_SSL_SESSION_SYNC_HTML_H_INCLUDED */
