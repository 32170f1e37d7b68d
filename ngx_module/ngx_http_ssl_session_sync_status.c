
/* The answers of ssl_session_sync_status. */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_ssl_session_sync_html.h"
#include "ngx_http_ssl_session_sync_status.h"


static ngx_int_t ngx_http_ssl_session_sync_file(ngx_http_request_t *r,
    ngx_str_t *name, ngx_buf_t **out);
static ngx_int_t ngx_http_ssl_session_sync_answer(ngx_http_request_t *r,
    ngx_buf_t **out);
static ngx_int_t ngx_http_ssl_session_sync_headers(ngx_http_request_t *r);
static ngx_int_t ngx_http_ssl_session_sync_send(ngx_http_request_t *r,
    ngx_buf_t *b);
static ngx_uint_t ngx_http_ssl_session_sync_browser(ngx_http_request_t *r);


ngx_int_t
ngx_http_ssl_session_sync_status_handler(ngx_http_request_t *r)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;
    ngx_str_t   name;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_arg(r, (u_char *) "asset", 5, &name) == NGX_OK) {
        rc = ngx_http_ssl_session_sync_file(r, &name, &b);

    } else {
        rc = ngx_http_ssl_session_sync_answer(r, &b);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_ssl_session_sync_send(r, b);
}


/* A file of the page. */

static ngx_int_t
ngx_http_ssl_session_sync_file(ngx_http_request_t *r, ngx_str_t *name,
    ngx_buf_t **out)
{
    ngx_buf_t                     *b;
    ngx_ssl_session_sync_asset_t  *asset;

    asset = ngx_ssl_session_sync_asset(name);
    if (asset == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = asset->text.data;
    b->last = b->pos + asset->text.len;
    b->memory = 1;

    r->headers_out.content_type = asset->type;
    *out = b;

    return ngx_http_ssl_session_sync_headers(r);
}


static ngx_int_t
ngx_http_ssl_session_sync_answer(ngx_http_request_t *r, ngx_buf_t **out)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;
    ngx_str_t   format;

    rc = NGX_OK;

    if (ngx_http_ssl_session_sync_browser(r)) {
        ngx_str_set(&format, "html");

    } else {
        ngx_str_set(&format, "json");
    }

    (void) ngx_http_arg(r, (u_char *) "format", 6, &format);

    if (format.len == 10 && ngx_strncmp(format.data, "prometheus", 10) == 0) {
        ngx_str_set(&r->headers_out.content_type,
                    "text/plain; version=0.0.4; charset=utf-8");
        b = ngx_ssl_session_sync_status_prometheus(r->pool);

    } else if (format.len == 4 && ngx_strncmp(format.data, "json", 4) == 0) {
        ngx_str_set(&r->headers_out.content_type, "application/json");
        b = ngx_ssl_session_sync_status_json(r->pool);

    } else if (format.len == 4 && ngx_strncmp(format.data, "html", 4) == 0) {
        ngx_str_set(&r->headers_out.content_type, "text/html; charset=utf-8");
        b = ngx_ssl_session_sync_status_html(r->pool);
        rc = ngx_http_ssl_session_sync_headers(r);

    } else {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *out = b;

    return rc;
}


/*
 * What a browser may do with the page: load its files from where it is itself,
 * ask there, and nothing else.  Strings become neither markup nor script.
 */

static ngx_int_t
ngx_http_ssl_session_sync_headers(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *header;

    static const struct {
        ngx_str_t  key;
        ngx_str_t  value;
    } headers[] = {
        { ngx_string("Content-Security-Policy"),
          ngx_string("default-src 'none'; script-src 'self'; "
                     "style-src 'self'; img-src 'self'; connect-src 'self'; "
                     "base-uri 'none'; form-action 'none'; "
                     "frame-ancestors 'none'; "
                     "require-trusted-types-for 'script'; "
                     "trusted-types 'none'") },
        { ngx_string("X-Content-Type-Options"), ngx_string("nosniff") },
        { ngx_string("Referrer-Policy"), ngx_string("no-referrer") },
        { ngx_string("Cache-Control"), ngx_string("no-store") }
    };

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {

        header = ngx_list_push(&r->headers_out.headers);
        if (header == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_memzero(header, sizeof(ngx_table_elt_t));

        header->hash = 1;
        header->key = headers[i].key;
        header->value = headers[i].value;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ssl_session_sync_send(ngx_http_request_t *r, ngx_buf_t *b)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* A client that names HTML among what it accepts; "*" names nothing. */

static ngx_uint_t
ngx_http_ssl_session_sync_browser(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    part = &r->headers_in.headers.part;

    for ( /* void */ ; part; part = part->next) {

        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == 6
                && ngx_strncasecmp(header[i].key.data, (u_char *) "accept", 6)
                   == 0
                && ngx_strcasestrn(header[i].value.data, "text/html", 8))
            {
                return 1;
            }
        }
    }

    return 0;
}
