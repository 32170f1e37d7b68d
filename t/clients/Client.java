import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Opens connections one after the other with Java's TLS client, whose context
 * keeps sessions between them.
 *
 * Client HOST PORT NAME CA VERSION CONNECTIONS
 */
public class Client {

    public static void main(String[] args) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream ca = new FileInputStream(args[3])) {
            store.setCertificateEntry("ca", CertificateFactory
                .getInstance("X.509").generateCertificate(ca));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(
            TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        for (int i = 0; i < Integer.parseInt(args[5]); i++) {
            connect(context, args);
        }
    }

    private static void connect(SSLContext context, String[] args)
            throws Exception {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
                .createSocket(args[2], Integer.parseInt(args[1]))) {
            socket.setEnabledProtocols(new String[] {args[4]});
            socket.getOutputStream().write(
                ("GET / HTTP/1.0\r\nHost: " + args[2] + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
            socket.getInputStream().readAllBytes();
        }
    }
}
