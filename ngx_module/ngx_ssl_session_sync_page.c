
/* The files of the page: its style, its script and its icon. */


#include "ngx_ssl_session_sync_html.h"

#include "ngx_ssl_session_sync_page.h"


static ngx_ssl_session_sync_asset_t  ngx_ssl_session_sync_assets[] = {

    { ngx_string("page.css"), ngx_string("text/css; charset=utf-8"),
      ngx_string(ngx_ssl_session_sync_page_css) },

    { ngx_string("page.js"), ngx_string("text/javascript; charset=utf-8"),
      ngx_string(ngx_ssl_session_sync_page_js) },

    { ngx_string("icon.svg"), ngx_string("image/svg+xml"),
      ngx_string(ngx_ssl_session_sync_icon_svg) }
};


ngx_ssl_session_sync_asset_t *
ngx_ssl_session_sync_asset(ngx_str_t *name)
{
    ngx_uint_t                     i, n;
    ngx_ssl_session_sync_asset_t  *asset;

    n = sizeof(ngx_ssl_session_sync_assets)
        / sizeof(ngx_ssl_session_sync_assets[0]);

    for (i = 0; i < n; i++) {
        asset = &ngx_ssl_session_sync_assets[i];

        if (name->len == asset->name.len
            && ngx_strncmp(name->data, asset->name.data, name->len) == 0)
        {
            return asset;
        }
    }

    return NULL;
}
