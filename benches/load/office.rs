//! The origin of a relay as a REST agency of the gateway's installation.

use super::Fallible;
use qaqpa::command::demo::scratch::Scratch;
use std::fs;
use std::net::SocketAddr;

/// The agency `office`, whose `/files/{name}` can be read and written.
pub(crate) fn add(scratch: &Scratch, origin: SocketAddr) -> Fallible<()> {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    let services = scratch.config.join("services.toml");
    let mut text = fs::read_to_string(&services)?;
    text += &format!(
        "\n[agency.office]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}\
         endpoint = \"http://{origin}/api\"\nconnections_max = 256\n\
         quota = {{ per_second = 500000, burst = 500000, in_flight_max = 512 }}\n\
         [agency.office.service.files]\n{name}"
    );
    for (id, method) in [("read", "GET"), ("write", "POST")] {
        text += &format!(
            "[[agency.office.service.files.operation]]\nid = {id:?}\nmethod = {method:?}\n\
             path = \"/files/{{name}}\"\n"
        );
    }
    Ok(fs::write(&services, text)?)
}
