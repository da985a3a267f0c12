import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.FSDirectory;

/**
 * The real Lucene, asked line by line. Each line of the input file is a text: base64 of its UTF-16 units, big-endian.
 * `analyse FILE`: prints per text the terms, `position:base64` each. `search INDEX FILE`: prints per query the best 50, `id:bits of the
 * float score` each. Analyser, query and order of ties are those of Anserini's SimpleSearcher, which Pyserini's LuceneSearcher calls.
 */
public final class Lucene {
  private static final Analyzer ENGLISH = new Analyzer() {
    @Override
    protected TokenStreamComponents createComponents(String field) {
      StandardTokenizer source = new StandardTokenizer();
      TokenStream words = new LowerCaseFilter(new EnglishPossessiveFilter(source));
      return new TokenStreamComponents(source, new PorterStemFilter(new StopFilter(words, EnglishAnalyzer.ENGLISH_STOP_WORDS_SET)));
    }
  };

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    Iterable<String> lines = Files.readAllLines(Path.of(arguments[arguments.length - 1]));
    if (arguments[0].equals("analyse")) {
      for (String line : lines) out.println(analyse(decode(line)));
    } else {
      try (DirectoryReader reader = DirectoryReader.open(FSDirectory.open(Path.of(arguments[1])))) {
        IndexSearcher searcher = new IndexSearcher(reader);
        searcher.setSimilarity(new BM25Similarity(0.9f, 0.4f));
        for (String line : lines) out.println(search(searcher, decode(line)));
      }
    }
    out.flush();
  }

  private static String decode(String line) {
    byte[] bytes = Base64.getDecoder().decode(line);
    char[] units = new char[bytes.length / 2];
    for (int i = 0; i < units.length; i++) units[i] = (char) ((bytes[2 * i] & 0xff) << 8 | bytes[2 * i + 1] & 0xff);
    return new String(units);
  }

  private static String encode(String text) {
    byte[] bytes = new byte[2 * text.length()];
    for (int i = 0; i < text.length(); i++) {
      bytes[2 * i] = (byte) (text.charAt(i) >> 8);
      bytes[2 * i + 1] = (byte) text.charAt(i);
    }
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static String analyse(String text) throws Exception {
    StringBuilder line = new StringBuilder();
    try (TokenStream stream = ENGLISH.tokenStream("contents", text)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      PositionIncrementAttribute increment = stream.addAttribute(PositionIncrementAttribute.class);
      int position = -1;
      stream.reset();
      while (stream.incrementToken()) {
        position += increment.getPositionIncrement();
        line.append(position).append(':').append(encode(term.toString())).append(' ');
      }
      stream.end();
    }
    return line.toString().stripTrailing();
  }

  private static String search(IndexSearcher searcher, String text) throws Exception {
    Map<String, Integer> counts = new TreeMap<>();
    try (TokenStream stream = ENGLISH.tokenStream("contents", text)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) counts.merge(term.toString(), 1, Integer::sum);
      stream.end();
    }
    BooleanQuery.Builder query = new BooleanQuery.Builder();
    counts.forEach((term, count) ->
        query.add(new BoostQuery(new TermQuery(new Term("contents", term)), (float) count), BooleanClause.Occur.SHOULD));
    Sort order = new Sort(SortField.FIELD_SCORE, new SortField("id", SortField.Type.STRING_VAL));
    StringBuilder line = new StringBuilder();
    for (ScoreDoc hit : searcher.search(query.build(), 50, order, true).scoreDocs) {
      String id = searcher.storedFields().document(hit.doc).get("id");
      line.append(id).append(':').append(Integer.toHexString(Float.floatToRawIntBits(hit.score))).append(' ');
    }
    return line.toString().stripTrailing();
  }
}
