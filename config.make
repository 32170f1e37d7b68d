# A part of nginx's build: the page's files become a header.

sss_page=$ngx_addon_dir/ngx_module/page
sss_page="$sss_page/page.css $sss_page/page.js $sss_page/icon.svg"
sss_header=$NGX_OBJS/ngx_ssl_session_sync_page.h

cat << END >> $NGX_MAKEFILE

$sss_header:	$sss_page $ngx_addon_dir/tools/page
	sh $ngx_addon_dir/tools/page $sss_page > \$@.new
	mv \$@.new \$@

$NGX_OBJS/addon/ngx_module/ngx_ssl_session_sync_page.o:	$sss_header

END

unset sss_page sss_header
