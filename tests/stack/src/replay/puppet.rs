//! A connection whose every frame is told: what the recorded console sends goes out frame by frame, enciphered with the
//! keys of today. It knows how to encipher and nothing of the protocol's order, so that the order is the capture's.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use medley_crypto::{
    Context, Hash, KEY_LEN, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey, open_key, seal_key,
};
use medley_wire::frame::{FrameBuffer, FrameTooLong, Header, split_datagram};
use medley_wire::{Dialect, RtId};
use tokio::net::{TcpStream, UdpSocket};

use super::capture::Cover;

/// A frame that came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// RT id.
    pub id: RtId,
    /// How it was covered.
    pub cover: Cover,
    /// Plain body.
    pub plain: Vec<u8>,
    /// In a datagram.
    pub udp: bool,
}

/// Keys of one connection.
#[derive(Debug)]
struct Keys {
    suite: Suite,
    own: Arc<RsaKeyPair>,
    peer: Option<SymmetricKey>,
    game: Option<SymmetricKey>,
}

impl Keys {
    fn open(&mut self, header: &Header, frame: &mut [u8]) -> Result<(Cover, Vec<u8>)> {
        let id = header.id;
        let body = frame.get_mut(header.body_at(0)).context("short frame")?;
        let Some(hash) = header.hash.map(Hash) else { return Ok((Cover::Clear, body.to_vec())) };
        if hash.is_null() {
            return Ok((Cover::NullHash, body.to_vec()));
        }
        if hash.context() == Context::RSA_AUTH {
            let cipher = <[u8; KEY_LEN]>::try_from(&*body).context("a key message of another length")?;
            let key = open_key(self.suite, &self.own, hash, &cipher)?;
            let plain = key.as_bytes().to_vec();
            self.take(id, &plain);
            return Ok((Cover::Rsa, plain));
        }
        let key = match hash.context() {
            Context::RC_SERVER_SESSION => self.game.as_ref(),
            _ => self.peer.as_ref(),
        };
        let key = key.with_context(|| format!("{id} under {} before its key", hash.context()))?;
        let prefix = if id == RtId::CLIENT_APP_SINGLE { 2 } else { 0 };
        let enciphered = body.get_mut(prefix..).context("short frame")?;
        self.suite
            .decrypt_in_place(key, hash, enciphered)
            .with_context(|| format!("{id} does not verify"))?;
        let plain = body.to_vec();
        self.take(id, &plain);
        Ok((Cover::Context(hash.context().bits()), plain))
    }

    /// Key messages apply from the next frame on.
    fn take(&mut self, id: RtId, plain: &[u8]) {
        let Ok(key) = <[u8; KEY_LEN]>::try_from(plain) else { return };
        match id {
            RtId::SERVER_CRYPTKEY_PEER => self.peer = Some(SymmetricKey::new(key)),
            RtId::SERVER_CRYPTKEY_GAME => self.game = Some(SymmetricKey::new(key)),
            _ => {}
        }
    }

    fn seal(&self, id: RtId, cover: Cover, plain: &[u8]) -> Result<Vec<u8>> {
        let mut frame = Vec::new();
        let mut body = plain.to_vec();
        let hash = match cover {
            Cover::Clear => None,
            Cover::NullHash => Some(Hash::null(Context::RC_CLIENT_SESSION)),
            Cover::Rsa => bail!("key messages are made by exchange_keys"),
            Cover::Context(_) => {
                let key = self.peer.as_ref().context("nothing can be enciphered before the key exchange")?;
                let prefix = if id == RtId::CLIENT_APP_SINGLE { 2 } else { 0 };
                let enciphered = body.get_mut(prefix..).context("short body")?;
                Some(self.suite.encrypt_in_place(key, Context::RC_CLIENT_SESSION, enciphered))
            }
        };
        Header::write(id, hash.map(|hash| hash.0), body.len(), &mut frame);
        frame.extend_from_slice(&body);
        Ok(frame)
    }
}

/// One TCP connection, with its datagrams if it has any.
#[derive(Debug)]
pub struct Puppet {
    keys: Keys,
    stream: TcpStream,
    udp: Option<UdpSocket>,
    frames: FrameBuffer,
    ended: bool,
    /// What came and was not taken yet.
    pub arrivals: Vec<Arrival>,
}

impl Puppet {
    /// Connects, and sends nothing.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn connect(address: SocketAddrV4, dialect: &Dialect, own: Arc<RsaKeyPair>) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_string())?;
        stream.set_nodelay(true)?;
        Ok(Self {
            keys: Keys {
                suite: Suite::for_medius_version(dialect.medius_version),
                own,
                peer: None,
                game: None,
            },
            stream,
            udp: None,
            frames: FrameBuffer::new(),
            ended: false,
            arrivals: Vec::new(),
        })
    }

    /// The server closed it.
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Opens the datagram socket.
    ///
    /// # Errors
    /// The system has none.
    pub async fn open_udp(&mut self, to: SocketAddrV4) -> Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        socket.connect(to).await?;
        self.udp = Some(socket);
        Ok(())
    }

    /// Our datagram port.
    pub fn udp_port(&self) -> Option<u16> {
        self.udp.as_ref().and_then(|udp| udp.local_addr().ok()).map(|address| address.port())
    }

    /// CLIENT_CRYPTKEY_PUBLIC to `server`.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn exchange_keys(&mut self, server: &RsaPublicKey) -> Result<()> {
        let (hash, body) = seal_key(self.keys.suite, server, &self.keys.own.public().modulus_le());
        let mut frame = Vec::new();
        Header::write(RtId::CLIENT_CRYPTKEY_PUBLIC, Some(hash.0), body.len(), &mut frame);
        frame.extend_from_slice(&body);
        self.send_raw(false, &frame).await
    }

    /// A frame with the keys of this connection.
    ///
    /// # Errors
    /// No key yet.
    pub fn seal(&self, id: RtId, cover: Cover, plain: &[u8]) -> Result<Vec<u8>> {
        self.keys.seal(id, cover, plain)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_raw(&mut self, udp: bool, bytes: &[u8]) -> Result<()> {
        if udp {
            self.udp.as_ref().context("no datagram socket")?.send(bytes).await?;
            return Ok(());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Until something can be read.
    pub async fn readable(&self) {
        let datagram = async {
            match &self.udp {
                Some(udp) => drop(udp.readable().await),
                None => core::future::pending().await,
            }
        };
        let stream = async {
            if self.ended {
                core::future::pending::<()>().await;
            }
            let _ = self.stream.readable().await;
        };
        tokio::select! {
            () = stream => {}
            () = datagram => {}
        }
    }

    /// Reads all there is. Never waits.
    ///
    /// # Errors
    /// A frame cannot be opened.
    pub fn read(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        let Self { keys, stream, udp, frames, ended, arrivals } = self;
        while !*ended {
            match stream.try_read(&mut buffer) {
                Ok(0) => *ended = true,
                Ok(length) => {
                    let input = buffer.get_mut(..length).unwrap_or_default();
                    frames
                        .feed(input, |header, frame| {
                            let (cover, plain) = keys.open(&header, frame).map_err(FeedError)?;
                            arrivals.push(Arrival { id: header.id, cover, plain, udp: false });
                            Ok::<_, FeedError>(())
                        })
                        .map_err(|error| error.0)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => *ended = true,
            }
        }
        while let Some(Ok(length)) = udp.as_ref().map(|udp| udp.try_recv(&mut buffer)) {
            let datagram = buffer.get_mut(..length).unwrap_or_default();
            split_datagram(datagram, |header, frame| {
                let (cover, plain) = keys.open(&header, frame)?;
                arrivals.push(Arrival { id: header.id, cover, plain, udp: true });
                Ok::<_, anyhow::Error>(())
            })?;
        }
        Ok(())
    }

    /// Waits for the next frame of `id`; those before it stay in `arrivals`, it too.
    ///
    /// # Errors
    /// It does not come.
    pub async fn wait_for(&mut self, id: RtId, skip: usize, within: Duration) -> Result<Arrival> {
        let until = tokio::time::Instant::now() + within;
        loop {
            self.read()?;
            if let Some(found) = self.arrivals.iter().filter(|arrival| arrival.id == id).nth(skip) {
                return Ok(found.clone());
            }
            let came: Vec<_> = self.arrivals.iter().map(|arrival| arrival.id).collect();
            if self.ended {
                bail!("closed while {id} was awaited; came: {came:?}");
            }
            tokio::time::timeout_at(until, self.readable())
                .await
                .map_err(|_| anyhow!("{id} did not come; came: {came:?}"))?;
        }
    }
}

struct FeedError(anyhow::Error);

impl From<FrameTooLong> for FeedError {
    fn from(error: FrameTooLong) -> Self {
        Self(error.into())
    }
}
