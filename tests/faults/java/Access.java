// Certificates, users and rights for the rows on TLS, SASL and access rules: what Kafka's admin client in Rust cannot
// do. It is asked on standard input, a line each, fields divided by tabs, and answers with MARK and "ok" or the error:
//
//   certificate  keystore.p12  certificate.pem  password  host-name  start-date (as of keytool; valid for one day)
//   user    servers  name  password ("-": the user is deleted)
//   allow   servers  principal  operation  resource-type  pattern-type  resource
//   forbid  the same

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.resource.*;

public class Access {
    public static void main(String[] arguments) throws Exception {
        var questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer = "ok";
            try {
                perform(line.split("\t"));
            } catch (Exception exception) {
                answer = exception.toString().replace('\n', ' ');
            }
            System.out.println(arguments[0] + answer);
        }
    }

    static void perform(String[] f) throws Exception {
        if (f[0].equals("certificate")) {
            keytool("-genkeypair", "-alias", "broker", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
                "CN=" + new File(f[1]).getName(), "-ext", "san=dns:" + f[4], "-startdate", f[5], "-validity", "1", "-storetype", "PKCS12",
                "-keystore", f[1], "-storepass", f[3]);
            keytool("-exportcert", "-alias", "broker", "-keystore", f[1], "-storepass", f[3], "-rfc", "-file", f[2]);
            return;
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) f[1]))) {
            if (f[0].equals("user")) {
                var mechanism = ScramMechanism.SCRAM_SHA_512;
                UserScramCredentialAlteration change = f[3].equals("-")
                    ? new UserScramCredentialDeletion(f[2], mechanism)
                    : new UserScramCredentialUpsertion(f[2], new ScramCredentialInfo(mechanism, 4096), f[3]);
                admin.alterUserScramCredentials(List.of(change)).all().get();
                return;
            }
            var type = ResourceType.valueOf(f[4]);
            var pattern = new ResourcePattern(type, f[6], PatternType.valueOf(f[5]));
            var entry = new AccessControlEntry(f[2], "*", AclOperation.valueOf(f[3]), AclPermissionType.ALLOW);
            var rule = new AclBinding(pattern, entry);
            if (f[0].equals("allow")) {
                admin.createAcls(List.of(rule)).all().get();
            } else {
                admin.deleteAcls(List.of(rule.toFilter())).all().get();
            }
        }
    }

    /** The JDK's own program, in this process: a process for each call would take seconds on a busy machine. */
    static void keytool(String... arguments) throws Exception {
        var main = Class.forName("sun.security.tools.keytool.Main").getMethod("main", String[].class);
        main.invoke(null, (Object) arguments);
    }
}
