import java.util.HashMap;
import java.util.Map;

/** The command line of a rival: pairs of "--name value". */
final class Arguments {
    private final Map<String, String> values = new HashMap<>();

    Arguments(String[] words) {
        if (words.length % 2 != 0) {
            throw new IllegalArgumentException("arguments are pairs of --name value");
        }
        for (int i = 0; i < words.length; i += 2) {
            if (!words[i].startsWith("--")) {
                throw new IllegalArgumentException("no name of an argument: " + words[i]);
            }
            values.put(words[i].substring(2), words[i + 1]);
        }
    }

    /** The value of an argument that must be there. */
    String get(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    long number(String name) {
        return Long.parseLong(get(name));
    }

    boolean is(String name, String value) {
        return get(name).equals(value);
    }
}
