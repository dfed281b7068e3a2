import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.websocketx.*;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketClientExtensionHandler;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketServerExtensionHandler;
import io.netty.handler.codec.http.websocketx.extensions.compression.PerMessageDeflateClientExtensionHandshaker;
import io.netty.handler.codec.http.websocketx.extensions.compression.PerMessageDeflateServerExtensionHandshaker;
import io.netty.util.Version;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Netty, as server and as client. */
public final class NettyPeer {
    private static final String SUBPROTOCOL = "tandem.test";
    private static final int WINDOW_BITS = 10;
    private static final int MAX_MESSAGE = 16 * 1024 * 1024;
    private static final String[] PROFILES = {"plain", "deflate", "noContext", "window"};
    private static final NioEventLoopGroup GROUP = new NioEventLoopGroup(1);
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** Remembers the close frame, which the handlers of the protocol keep to themselves; reports at the end of the connection. */
    private static final class Report extends ChannelInboundHandlerAdapter {
        private String id;
        private String protocol;
        private int code = 1006;
        private String reason = "";

        Report(String id) {
            this.id = id;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            if (message instanceof CloseWebSocketFrame) {
                CloseWebSocketFrame frame = (CloseWebSocketFrame) message;
                code = frame.statusCode() == -1 ? 1005 : frame.statusCode();
                reason = frame.reasonText();
            }
            super.channelRead(context, message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            OUT.printf("{\"id\":\"%s\",\"protocol\":\"%s\",\"code\":%d,\"reason\":\"%s\"}%n", id, protocol == null ? "" : protocol, code, reason);
            super.channelInactive(context);
        }
    }

    private static final class Echo extends SimpleChannelInboundHandler<WebSocketFrame> {
        private final Report report;
        private boolean closing;

        Echo(Report report) {
            this.report = report;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
            if (event instanceof WebSocketServerProtocolHandler.HandshakeComplete) {
                WebSocketServerProtocolHandler.HandshakeComplete complete = (WebSocketServerProtocolHandler.HandshakeComplete) event;
                report.id = complete.requestUri().substring(1);
                report.protocol = complete.selectedSubprotocol();
            } else if (event == WebSocketClientProtocolHandler.ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
                report.protocol = context.pipeline().get(WebSocketClientProtocolHandler.class).handshaker().actualSubprotocol();
            }
            super.userEventTriggered(context, event);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
            if (frame instanceof TextWebSocketFrame && ((TextWebSocketFrame) frame).text().startsWith("!")) {
                obey(context, ((TextWebSocketFrame) frame).text().split(" ", 3));
            } else if (frame instanceof TextWebSocketFrame || frame instanceof BinaryWebSocketFrame) {
                context.writeAndFlush(frame.retain());
            } else if (frame instanceof CloseWebSocketFrame && !closing) {
                // Only a client's comes here. Left alone, its handler would close without an answer (RFC 6455 section 5.5.1).
                context.writeAndFlush(frame.retain()).addListener(ChannelFutureListener.CLOSE);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            cause.printStackTrace();
            context.close();
        }

        private void obey(ChannelHandlerContext context, String[] words) {
            if (words[0].equals("!ping")) {
                context.writeAndFlush(new PingWebSocketFrame(Unpooled.copiedBuffer("interop", StandardCharsets.US_ASCII)));
            } else if (words[0].equals("!fragments")) {
                String part = "0123456789".repeat(1000);
                context.write(new TextWebSocketFrame(false, 0, part));
                context.write(new ContinuationWebSocketFrame(false, 0, part));
                context.writeAndFlush(new ContinuationWebSocketFrame(true, 0, part));
            } else if (words[0].equals("!close")) {
                closing = true;
                context.writeAndFlush(words.length < 3 ? new CloseWebSocketFrame() : new CloseWebSocketFrame(Integer.parseInt(words[1]), words[2]));
            }
        }
    }

    private static int serve(String profile) throws InterruptedException {
        ServerBootstrap bootstrap = new ServerBootstrap().group(GROUP).channel(NioServerSocketChannel.class).childHandler(new ChannelInitializer<SocketChannel>() {
            @Override
            protected void initChannel(SocketChannel channel) {
                Report report = new Report("");
                channel.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(8192));
                if (!profile.equals("plain")) {
                    channel.pipeline().addLast(new WebSocketServerExtensionHandler(new PerMessageDeflateServerExtensionHandshaker(
                        6, true, profile.equals("window") ? WINDOW_BITS : 15, true, profile.equals("noContext"))));
                }
                channel.pipeline().addLast(
                    report,
                    new WebSocketServerProtocolHandler(WebSocketServerProtocolConfig.newBuilder()
                        .websocketPath("/").checkStartsWith(true).subprotocols(SUBPROTOCOL)
                        .decoderConfig(WebSocketDecoderConfig.newBuilder().allowExtensions(true).maxFramePayloadLength(MAX_MESSAGE).build()).build()),
                    new WebSocketFrameAggregator(MAX_MESSAGE),
                    new Echo(report));
            }
        });
        return ((InetSocketAddress) bootstrap.bind("127.0.0.1", 0).sync().channel().localAddress()).getPort();
    }

    // Its client asks for server_no_context_takeover exactly when it asks for a window, whatever it is told.
    private static int requestedWindow(String profile) {
        return profile.equals("window") ? WINDOW_BITS : profile.equals("noContext") ? 14 : 15;
    }

    private static WebSocketVersion version(String number) {
        return number.equals("0") ? WebSocketVersion.V00 : number.equals("7") ? WebSocketVersion.V07 : number.equals("8") ? WebSocketVersion.V08 : WebSocketVersion.V13;
    }

    private static void connect(String id, URI uri, String protocols, String profile, WebSocketVersion version) {
        Report report = new Report(id);
        new Bootstrap().group(GROUP).channel(NioSocketChannel.class).handler(new ChannelInitializer<SocketChannel>() {
            @Override
            protected void initChannel(SocketChannel channel) {
                channel.pipeline().addLast(new HttpClientCodec(), new HttpObjectAggregator(8192));
                if (!profile.equals("plain")) {
                    channel.pipeline().addLast(new WebSocketClientExtensionHandler(new PerMessageDeflateClientExtensionHandshaker(
                        6, true, requestedWindow(profile), true, requestedWindow(profile) < 15)));
                }
                channel.pipeline().addLast(
                    report,
                    new WebSocketClientProtocolHandler(WebSocketClientProtocolConfig.newBuilder()
                        .webSocketUri(uri).version(version).subprotocol(protocols).allowExtensions(true).maxFramePayloadLength(MAX_MESSAGE).handleCloseFrames(false).build()),
                    new WebSocketFrameAggregator(MAX_MESSAGE),
                    new Echo(report));
            }
        }).connect(uri.getHost(), uri.getPort());
    }

    private static String field(String line, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(line);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static String number(String line, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\":(\\d+)").matcher(line);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static String list(String line, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\":\\[([^\\]]*)\\]").matcher(line);
        return matcher.find() && !matcher.group(1).isEmpty() ? matcher.group(1).replace("\"", "") : null;
    }

    public static void main(String[] arguments) throws Exception {
        StringJoiner ports = new StringJoiner(",");
        for (String profile : PROFILES) {
            ports.add("\"" + profile + "\":" + serve(profile));
        }
        String version = Version.identify().get("netty-codec-http").artifactVersion().replace(".Final", "");
        OUT.printf("{\"version\":\"%s\",\"ports\":{%s}}%n", version, ports);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            connect(field(line, "id"), new URI(field(line, "url")), list(line, "protocols"), field(line, "profile"), version(number(line, "version")));
        }
        System.exit(0);
    }
}
