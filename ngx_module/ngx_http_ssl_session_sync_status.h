
#ifndef NGX_HTTP_SSL_SESSION_SYNC_STATUS_H_INCLUDED
#define NGX_HTTP_SSL_SESSION_SYNC_STATUS_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The content handler of a location: the status in the format that the request
 * asks for, or a file of the page.
 */
ngx_int_t ngx_http_ssl_session_sync_status_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_SSL_SESSION_SYNC_STATUS_H_INCLUDED */
