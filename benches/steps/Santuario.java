// Verifies one signed envelope with Apache Santuario, as often as it is asked to, and says what of the CPU that took.
//
// Arguments: the envelope and the signer's certificate. It first proves that it judges: the envelope is accepted, and
// refused where a byte of its body or of its signature is another. After the warm-up it says `ready`; then each line on
// its input is a round, answered by the verifications made and by the nanoseconds of CPU that the whole process took
// for them, collector and compiler included. `refused: …` is an error, as a message of ours that a stranger refuses is.

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.exceptions.XMLSecurityException;
import org.apache.xml.security.signature.XMLSignature;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

public final class Santuario {
    private static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    private static final String WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-";
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";
    /** CPU of a round: the clock of the process ticks in hundredths of a second. */
    private static final long ROUND_NS = 1_000_000_000L;
    /** The warm-up takes so much CPU at least, and so much at most. */
    private static final long WARM_UP_MIN_NS = 8 * ROUND_NS;
    private static final long WARM_UP_MAX_NS = 40 * ROUND_NS;
    /** What the compiler may still take of a round. */
    private static final long COMPILER_RESTS_MS = 10;
    /** Verifications between two looks at the clock. */
    private static final int AT_ONCE = 50;

    private final OperatingSystemMXBean system =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final DocumentBuilder parser;
    private final PublicKey key;

    private Santuario(Path certificate) throws Exception {
        DocumentBuilderFactory parsers = DocumentBuilderFactory.newDefaultInstance();
        parsers.setNamespaceAware(true);
        parsers.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        parsers.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        parser = parsers.newDocumentBuilder();
        try (InputStream pem = Files.newInputStream(certificate)) {
            key = CertificateFactory.getInstance("X.509").generateCertificate(pem).getPublicKey();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Init.init();
        Santuario santuario = new Santuario(Path.of(arguments[1]));
        String signed = Files.readString(Path.of(arguments[0]));
        byte[] envelope = bytes(signed);
        santuario.prove(signed);
        santuario.warmUp(envelope);
        System.out.println("ready");
        BufferedReader rounds = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (rounds.readLine() != null) {
            long[] round = santuario.round(envelope);
            System.out.println(round[0] + " " + round[1]);
        }
    }

    /** What verifies everything would be fast, and no peer. */
    private void prove(String signed) throws IOException, SAXException {
        String value = "SignatureValue>";
        int at = signed.indexOf(value) + value.length();
        String other = signed.charAt(at) == 'A' ? "B" : "A";
        String forged = signed.substring(0, at) + other + signed.substring(at + 1);
        String changed = signed.replaceFirst("1985-03-12", "1985-03-13");
        if (!verify(bytes(signed))) {
            refuse("a good message");
        }
        if (changed.equals(signed) || verify(bytes(changed)) || verify(bytes(forged))) {
            refuse("nothing, not even a message that was changed");
        }
    }

    /** Until a round passes in which the compiler had next to nothing to do. */
    private void warmUp(byte[] envelope) throws IOException, SAXException {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        long began = system.getProcessCpuTime();
        while (true) {
            long compiled = compiler.getTotalCompilationTime();
            round(envelope);
            long took = system.getProcessCpuTime() - began;
            boolean rests = compiler.getTotalCompilationTime() - compiled <= COMPILER_RESTS_MS;
            if (took >= WARM_UP_MAX_NS || took >= WARM_UP_MIN_NS && rests) {
                return;
            }
        }
    }

    /** The verifications of a round, and the nanoseconds of CPU that they took. */
    private long[] round(byte[] envelope) throws IOException, SAXException {
        long began = system.getProcessCpuTime();
        for (long count = 0, took = 0; ; ) {
            if (took >= ROUND_NS) {
                return new long[] {count, took};
            }
            for (int one = 0; one < AT_ONCE; one++) {
                if (!verify(envelope)) {
                    refuse("a good message");
                }
            }
            count += AT_ONCE;
            took = system.getProcessCpuTime() - began;
        }
    }

    /** Parses and judges, by the key that is known; what was signed is the Body, by its wsu:Id. */
    private boolean verify(byte[] envelope) throws IOException, SAXException {
        Element root = parser.parse(new ByteArrayInputStream(envelope)).getDocumentElement();
        Element body = child(root, SOAP, "Body");
        Element security = child(child(root, SOAP, "Header"), WSS + "secext-1.0.xsd", "Security");
        body.setIdAttributeNS(WSS + "utility-1.0.xsd", "Id", true);
        String id = "#" + body.getAttributeNS(WSS + "utility-1.0.xsd", "Id");
        try {
            boolean isSecure = true;
            XMLSignature signature = new XMLSignature(child(security, DS, "Signature"), "", isSecure);
            return signature.checkSignatureValue(key)
                    && signature.getSignedInfo().getLength() == 1
                    && signature.getSignedInfo().item(0).getURI().equals(id);
        } catch (XMLSecurityException refusal) {
            return false;
        }
    }

    private static Element child(Element parent, String namespace, String name) {
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (name.equals(node.getLocalName()) && namespace.equals(node.getNamespaceURI())) {
                return (Element) node;
            }
        }
        throw new IllegalArgumentException("no " + name);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void refuse(String what) {
        System.out.println("refused: Santuario refuses " + what);
        System.exit(1);
    }
}
